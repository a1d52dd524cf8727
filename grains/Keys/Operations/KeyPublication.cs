using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// Reads the public keys that others verify tokens with. A rotation withdraws none: tokens of the version before are still valid, until
/// somebody disables it.
/// </summary>
internal static class KeyPublication
{
    // The gateway records the request, which is for the keys of a prefix.
    public static async Task<PublishedKeys> Run(KeyActivation key, ReadPublishedKeys request) => (await key.Gate.TryRun(
        async () => Read(await key.Load(), request.Limit),
        isRepeatable: true,
        KeyGate.Enter(KmsOperation.ListJwks, request.Caller))).AnswerOrThrow();

    private static PublishedKeys Read(KeyRow row, int limit)
    {
        if (row is not { Usage: KeyUsage.Jws, State: KeyState.Enabled } || limit < 1 || !KeyAlgorithms.TryFind(row.Spec, out var algorithm))
        {
            return new([], HasMore: false);
        }

        var published = row.Versions.Reverse().Where(version => KeyUsability.Verifies(row, version) && version.PublicKey is not null);
        PublishedKey[] keys = [.. published.Take(limit).Select(version => new PublishedKey(version.Version, algorithm.JwkOf(version.PublicKey)!))];
        return new(keys, HasMore: published.Skip(limit).Any());
    }
}
