using System.Security.Cryptography;
using Orleans.Storage;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Importing;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// The versions of one key that are open for use. The sole owner of their ciphers: whatever ends their use (a disable, a
/// destruction, the end of the activation) disposes them here.
/// </summary>
internal sealed class VersionCiphers(
    IGrainStorage storage, IMaterialSealer sealer, KeyProviders providers, GrainId grain, string keyId) : IDisposable
{
    // Whoever verifies needs the newest few.
    private const int MaxOpenPublic = 16;

    private readonly Dictionary<int, IKeyVersion> _open = [];
    private readonly Dictionary<int, IKeyVersion> _openPublic = [];
    private int _generation;

    /// <summary>A version that is open already.</summary>
    public IKeyVersion? Find(int version) => _open.GetValueOrDefault(version);

    /// <summary>
    /// Makes new material for a version and wraps what is kept of it; the plain bytes are zeroed before this returns.
    /// </summary>
    /// <exception cref="KmsException">hsm_unavailable, unsupported_algorithm.</exception>
    public async ValueTask<MadeVersion> NewMaterial(
        KeyProtection protection, KeyAlgorithm algorithm, KeyUsage usage, Incarnation incarnation, int version, GeneratedVersion? spare = null,
        CancellationToken cancellationToken = default)
    {
        using var made = spare ?? await providers.Of(protection).Generate(algorithm, usage, new(keyId, incarnation, version), cancellationToken);
        return new(sealer.Wrap(new(grain, incarnation, version), made.Kept.Span), made.PublicPart);
    }

    /// <summary>Wraps what is kept of imported material.</summary>
    public MadeVersion Wrap(Incarnation incarnation, int version, KeyAlgorithm algorithm, ImportedMaterial material) => new(
        material.Secret is { } secret ? sealer.Wrap(new(grain, incarnation, version), secret.Span) : null,
        material.PublicPart,
        algorithm.Limit == UsageLimit.None ? null : material.Fingerprint(keyId));

    /// <summary>
    /// Requires that no destroyed version had the same material, where its uses are limited: they would begin anew.
    /// </summary>
    /// <exception cref="KmsException">conflict.</exception>
    public void RequireNew(KeyRow key, ImportedMaterial material)
    {
        if (material.Fingerprint(keyId) is { } fingerprint
            && key.Versions.FirstOrDefault(entry => entry.State == KeyVersionState.Destroyed && entry.Fingerprint.AsSpan().SequenceEqual(fingerprint)) is { } same)
        {
            throw KmsError.Conflict.Exception(
                $"The material was version {same.Version}, which was destroyed: its uses would be counted anew. Import other material. The import parameters are used up.");
        }
    }

    /// <summary>
    /// Finds the version that has the same material. A pair of keys is known by its public part; other material is compared byte by byte, in
    /// a time that does not tell where it differs, and nothing of it is stored for that.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="material">The material.</param>
    /// <returns>The version; null for none that is not destroyed.</returns>
    /// <exception cref="KmsException">key_corrupted: a version does not open.</exception>
    public async ValueTask<int?> FindSame(KeyRow key, ImportedMaterial material)
    {
        for (var i = key.Versions.Count - 1; i >= 0; i--)
        {
            var entry = key.Versions[i];
            if (entry.State != KeyVersionState.Destroyed && await IsSame(key, entry, material))
            {
                return entry.Version;
            }
        }

        return null;
    }

    /// <summary>Opens a version: the newest from the key's row, an older one from its own row.</summary>
    /// <param name="key">The key.</param>
    /// <param name="version">A version that is not destroyed.</param>
    /// <exception cref="KmsException">
    /// key_corrupted: the material is missing or does not open; hsm_unavailable: this silo has no HSM.
    /// </exception>
    public async ValueTask<Opening> Open(KeyRow key, int version)
    {
        if (Find(version) is { } open)
        {
            return Opening.Of(open);
        }

        if (key.Find(version) is { IsPublicOnly: true } entry)
        {
            var publicVersion = OpenPublicPart(key, entry);
            _open.Add(version, publicVersion);
            return Opening.Of(publicVersion);
        }

        var generation = _generation;
        var wrapped = await Wrapped(key, version);
        if (generation != _generation)
        {
            return Opening.ClosedMeanwhile;
        }

        return wrapped is not null && KeyAlgorithms.TryFind(key.Spec, out var algorithm)
            ? Opening.Of(Find(version) ?? Open(key, version, wrapped, algorithm))
            : throw KmsError.KeyCorrupted.Exception();
    }

    /// <summary>What is kept of a version, to let it leave in a backup or an export; the caller disposes it.</summary>
    /// <param name="key">The key.</param>
    /// <param name="version">A version that has material and is not destroyed.</param>
    /// <exception cref="KmsException">key_corrupted: the material is missing or does not open.</exception>
    public async Task<SecretBytes> Kept(KeyRow key, int version) =>
        sealer.Open(new(grain, key.Incarnation, version), await Wrapped(key, version) ?? throw KmsError.KeyCorrupted.Exception());

    /// <summary>Opens the public part of a version, which takes neither a row nor its provider.</summary>
    /// <param name="key">The key.</param>
    /// <param name="entry">One of its versions that is not destroyed.</param>
    /// <exception cref="KmsException">wrong_key_usage: the key has no public part; key_corrupted.</exception>
    public IKeyVersion OpenPublic(KeyRow key, KeyVersionEntry entry)
    {
        var version = entry.Version;
        if (_openPublic.TryGetValue(version, out var open))
        {
            return open;
        }

        if (_openPublic.Count >= MaxOpenPublic)
        {
            // The oldest: whoever tries every version comes to the newest again with the next signature.
            CloseOldestPublic();
        }

        open = OpenPublicPart(key, entry);
        _openPublic.Add(version, open);
        return open;
    }

    /// <summary>Closes one version.</summary>
    public void Close(int version)
    {
        _generation++;
        if (_openPublic.Remove(version, out var openPublic))
        {
            openPublic.Dispose();
        }

        if (_open.Remove(version, out var open))
        {
            open.Dispose();
        }
    }

    /// <summary>Closes all versions.</summary>
    public void Dispose()
    {
        _generation++;
        foreach (var open in _open.Values)
        {
            open.Dispose();
        }

        _open.Clear();
        ClosePublic();
    }

    private IKeyVersion OpenPublicPart(KeyRow key, KeyVersionEntry entry)
    {
        if (!KeyAlgorithms.TryFind(key.Spec, out var algorithm))
        {
            throw KmsError.KeyCorrupted.Exception();
        }

        try
        {
            return entry.PublicKey is { } publicKey && providers.OpenPublic(key.Protection, algorithm, key.Usage, entry.Version, publicKey) is { } open
                ? open
                : throw KmsError.WrongKeyUsage.Exception();
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            throw KmsError.KeyCorrupted.Exception();
        }
    }

    private async ValueTask<WrappedMaterial?> Wrapped(KeyRow key, int version)
    {
        if (key.Material is { } newest && newest.Version == version)
        {
            return newest;
        }

        var slot = new RowSlot<KeyVersionRow>(storage, grain, RowNames.KeyVersion(version));
        await slot.Read();
        return slot.Row?.Incarnation == key.Incarnation ? slot.Row.Material : null;
    }

    private async ValueTask<bool> IsSame(KeyRow key, KeyVersionEntry entry, ImportedMaterial material)
    {
        if (material.PublicPart is { } publicPart)
        {
            return entry.IsPublicOnly == material.Secret is null && publicPart.AsSpan().SequenceEqual(entry.PublicKey);
        }

        using var kept = await Kept(key, entry.Version);
        return CryptographicOperations.FixedTimeEquals(kept.Span, material.Secret!.Span);
    }

    private void CloseOldestPublic()
    {
        if (_openPublic.Remove(_openPublic.Keys.Min(), out var oldest))
        {
            oldest.Dispose();
        }
    }

    private void ClosePublic()
    {
        foreach (var open in _openPublic.Values)
        {
            open.Dispose();
        }

        _openPublic.Clear();
    }

    private IKeyVersion Open(KeyRow key, int version, WrappedMaterial wrapped, KeyAlgorithm algorithm)
    {
        var provider = providers.Of(key.Protection);
        using var kept = sealer.Open(new(grain, key.Incarnation, version), wrapped);
        var open = provider.Open(algorithm, key.Usage, new(keyId, key.Incarnation, version), kept.Span, key.Find(version)?.PublicKey);
        _open.Add(version, open);
        return open;
    }
}
