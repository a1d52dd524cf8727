using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Importing;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.History;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Keys.Usage;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// Imports material as a new primary version. First the parameters are used up, then the material is unwrapped and checked, outside the
/// turn since that can take long; then it becomes a version in one commit. A crash in between costs the parameters and nothing else: whoever
/// imports the same again with others gets the version that the first import made, if it did.
/// </summary>
internal sealed class Importing(KeyActivation key, ImportKey request) : IDisposable
{
    /// <summary>The feature level since which versions are imported: older programs do not know public keys alone.</summary>
    internal const int Level = 6;

    /// <summary>What is refused below that.</summary>
    internal const string Refused = "Material";

    private string? _id;
    private ImportedMaterial? _material;

    public static async Task<KeyDescription> Run(KeyActivation key, ImportKey request)
    {
        using var importing = new Importing(key, request);

        // Again after a lost race, or an answer that is out of date: the material is there, and one that a version has makes no other.
        return await key.Gate.Run(KeyGate.Enter(KmsOperation.ImportKey, request.Caller), importing.Run, isRepeatable: true);
    }

    /// <summary>Zeroes the material.</summary>
    public void Dispose() => _material?.Dispose();

    private async Task<KeyDescription> Run()
    {
        if (_material is null)
        {
            Check();
            key.Services.RequireLevel(Level, Refused, "imported");
            key.Services.Changes.RequireRoom();
            await Unwrap(await key.Load());
        }

        using (await key.Turns.Begin())
        {
            // By the stored row, not by memory: whether a version has the material decides whether another is made.
            if (key.Mark is not null)
            {
                key.Slot.Invalidate();
            }

            return await Commit(await key.Current());
        }
    }

    private void Check()
    {
        if (request.ImportToken is null || request.WrappedMaterial is null)
        {
            throw KmsError.InvalidParameter.Exception();
        }

        if (request.WrappedMaterial.Length > KmsLimits.WrappedMaterialBytes)
        {
            throw KmsError.PayloadTooLarge.Exception($"The wrapped material must be at most {KmsLimits.WrappedMaterialBytes} bytes.");
        }
    }

    /// <summary>Takes the material out of its wrapping, for which the parameters are good once.</summary>
    private async Task Unwrap(KeyRow row)
    {
        KeyRotation.PlanImport(row, key.Services.Epoch, key.Now);
        await Grant(row);
        var algorithm = Algorithm(row);
        using var place = algorithm.IsSlow ? SlowPlace.Take(key) : null;
        var (id, privateKey) = await ImportOffers.Take(key, row, request.Caller, request.ImportToken) ?? throw NotUnwrapped();
        using var opened = privateKey;
        using var plain = Unwrapped(opened, request.WrappedMaterial) ?? throw NotUnwrapped();
        _material = (place is null ? algorithm.Import(row.Usage, plain.Span) : await place.Run(() => algorithm.Import(row.Usage, plain.Span)))
            ?? throw KmsError.InvalidParameter.Exception(
                $"What was imported is not sound material of {row.Spec} for this usage. Its import parameters are used up.");
        _id = id;
    }

    private async Task<KeyDescription> Commit(KeyRow row)
    {
        var next = KeyRotation.PlanImport(row, key.Services.Epoch, key.Now);
        if (await key.Versions.FindSame(row, _material!) is { } same)
        {
            RequireOfUse(key, row, row.Find(same)!);
            return await RowChange.Commit(key, row, row, request.Caller, KmsOperation.ImportKey.Verb);
        }

        if (row.Versions.Any(version => version.Import == _id))
        {
            // Committed by an earlier attempt of this call, and destroyed since.
            throw KmsError.Conflict.Exception("The imported version was destroyed at the same time.");
        }

        key.Versions.RequireNew(row, _material!);
        var grant = await Grant(row);
        key.Services.Changes.RequireRoom();
        await key.VersionRows.Keep(row);
        var imported = next.Imported(key.Versions.Wrap(row.Incarnation, next.Number, Algorithm(row), _material!), _id!, key.Now);
        row = await key.Write(row, grant is null ? imported : KeyApprovals.Use(imported, grant, key.Now), Cause(grant));
        await RowChange.Committed(key, row, request.Caller, KmsOperation.ImportKey.Verb);
        await key.Usage.Load(row.Incarnation);
        return RowChange.Described(key, row);
    }

    /// <summary>
    /// The approval that permits the import; null where the key's rule of now guards none. Parameters can be from before the rule, or from an
    /// approval that no longer counts, so they prove nothing.
    /// </summary>
    private async Task<KeyApproval?> Grant(KeyRow row) => ApprovalRules.Guard(row.Approval, ImportMaking.Asked) is null
        ? null
        : await Grants.Find(key, row, ImportMaking.Asked, request.Caller)
            ?? throw KmsError.Conflict.Exception("The key's rule guards imports, and no approval permits this one; ask for new import parameters.");

    private ChangeCause Cause(KeyApproval? grant) =>
        new(request.Caller, KmsOperation.ImportKey.Verb, Reason: grant is null ? null : $"approval {grant.Number}");

    private static KeyAlgorithm Algorithm(KeyRow row) =>
        KeyAlgorithms.TryFind(row.Spec, out var algorithm) ? algorithm : throw KmsError.KeyCorrupted.Exception();

    /// <summary>Refuses what would change nothing and yet leave the material of no use; but not what this call has made itself.</summary>
    private void RequireOfUse(KeyActivation key, KeyRow row, KeyVersionEntry same)
    {
        if (same.Import == _id)
        {
            return;
        }

        if (same.State != KeyVersionState.Enabled)
        {
            throw KmsError.Conflict.Exception(same.State == KeyVersionState.Disabled
                ? $"Version {same.Version} has this material and is disabled: enable it. The import parameters are used up."
                : $"Version {same.Version} has this material and awaits its destruction: cancel that. The import parameters are used up.");
        }

        if (!UsagePolicy.Of(row).KeepsVersionAfterRestore && (same.Version <= row.RestoredUpTo || row.Epoch < key.Services.Epoch.Number))
        {
            throw KmsError.Conflict.Exception(
                $"Version {same.Version} has this material, and nobody knows how often it was used before a restore: import other material. The import parameters are used up.");
        }
    }

    private static SecretBytes? Unwrapped(SecretBytes privateKey, ReadOnlySpan<byte> wrapped)
    {
        using var rsa = RSA.Create();
        rsa.ImportPkcs8PrivateKey(privateKey.Span, out _);
        return MaterialWrapping.Unwrap(rsa, wrapped);
    }

    // One text, whatever is wrong: no such parameters, of another key or caller, used, expired, or material that does not unwrap.
    private static KmsException NotUnwrapped() => KmsError.InvalidParameter.Exception(
        "The import token is not good for this key and caller, or the material does not unwrap; ask for new import parameters.");

    /// <summary>
    /// A place for slow work, taken before the parameters are used up, so that they are not lost to an overload. No key has many of them.
    /// </summary>
    private sealed class SlowPlace : IDisposable
    {
        private readonly KeyActivation _key;
        private readonly SlowWork.Place _place;

        private SlowPlace(KeyActivation key)
        {
            _key = key;
            _place = SlowWork.KeyMaking.Reserve();
            key.WrappingKeys++;
        }

        public static SlowPlace Take(KeyActivation key) => key.WrappingKeys < ImportMaking.MaxAtOnce
            ? new(key)
            : throw KmsError.Overloaded.Exception($"{ImportMaking.MaxAtOnce} imports of this key, or their parameters, are in the making already; try again later.");

        public async Task<T> Run<T>(Func<T> work)
        {
            try
            {
                return await _place.Run(work);
            }
            catch (KmsException e) when (e.Error == KmsError.Overloaded)
            {
                throw KmsError.Overloaded.Exception("The system has no thread for slow operations. The import parameters are used up; ask for new ones later.");
            }
        }

        public void Dispose()
        {
            _key.WrappingKeys--;
            _place.Dispose();
        }
    }
}
