using System.Collections.Frozen;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Keys.Usage;
using OrleansKms.Grains.Providers;

namespace OrleansKms.Grains.Keys;

/// <summary>Describes a key's row and counters in the contract's terms.</summary>
internal static class KeyDescriptions
{
    public static KeyDescription Of(string id, KeyRow row, UsageLease usage, KeyProviders providers) => new()
    {
        Id = id,
        Spec = row.Spec,
        Usage = row.Usage,
        State = row.State,
        Protection = row.Protection,
        Origin = row.Origin,
        Exportable = row.Exportable,
        Description = row.Description,
        Tags = row.Tags is null ? FrozenDictionary<string, string>.Empty : new Dictionary<string, string>(row.Tags),
        CreatedAt = row.CreatedAt,
        PrimaryVersion = row.PrimaryVersion,
        MinDecryptVersion = row.MinDecryptVersion,
        Versions = [.. row.Versions.Select(v => new KeyVersionDescription(v.Version, v.State, v.CreatedAt, usage.Meter(v.Version).Spent, v.DestroyAt) { IsPublicOnly = v.IsPublicOnly })],
        Rotation = row.Rotation,
        NextRotationAt = row.NextRotationAt,
        Uses = Uses(row.Usage, usage),
        DeletionAt = row.DeletionAt,
        RestoreEpoch = row.Epoch,
        Limits = row.Limits,
        Approval = row.Approval,
        Algorithms = AlgorithmsOf(row, providers),
    };

    private static string[]? AlgorithmsOf(KeyRow row, KeyProviders providers) =>
        KeyAlgorithms.TryFind(row.Spec, out var algorithm) && providers.AlgorithmNames(row.Protection, algorithm, row.Usage) is { Count: > 0 } names ? [.. names] : null;

    /// <summary>A key has one usage, so whatever it spent is of that kind.</summary>
    private static KeyUses Uses(KeyUsage kind, UsageLease usage)
    {
        var meters = usage.Meters.ToArray();
        var spent = meters.Sum(m => m.Spent);

        // What was done with the public part: verifications or, by a key that encapsulates, encapsulations.
        var publicly = meters.Sum(m => m.Verified);
        return new()
        {
            Encrypt = kind == KeyUsage.EncryptDecrypt ? spent : 0,
            Sign = kind is KeyUsage.SignVerify or KeyUsage.Jws ? spent : 0,
            Mac = kind == KeyUsage.Mac ? spent : 0,
            Derive = kind is KeyUsage.Derive or KeyUsage.KeyAgreement ? spent : 0,
            Decapsulate = kind == KeyUsage.Encapsulate ? spent : 0,
            Encapsulate = kind == KeyUsage.Encapsulate ? publicly : 0,
            Decrypt = meters.Sum(m => m.Decrypted),
            Verify = kind == KeyUsage.Encapsulate ? 0 : publicly,
            Bytes = meters.Sum(m => m.Bytes),
            LastUsedAt = meters.Max(m => m.LastUsedAt),
        };
    }
}
