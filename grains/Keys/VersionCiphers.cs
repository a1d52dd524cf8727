using System.Security.Cryptography;
using Orleans.Storage;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys;

/// <summary>
/// The versions of one key that are open for use. The one owner of their ciphers: whatever ends their use (a disable, a
/// destruction, the end of the activation) disposes them here.
/// </summary>
internal sealed class VersionCiphers(IGrainStorage storage, IMaterialSealer sealer, GrainId grain, string keyId) : IDisposable
{
    private readonly Dictionary<int, VersionCipher> _open = [];
    private int _generation;

    /// <summary>The cipher of a version that is open already.</summary>
    public VersionCipher? Find(int version) => _open.GetValueOrDefault(version);

    /// <summary>Makes new material for a version and wraps it; the clear bytes are zeroed before this returns.</summary>
    public WrappedMaterial NewMaterial(KeyAlgorithm algorithm, Incarnation incarnation, int version)
    {
        using var material = SecretBytes.Random(algorithm.MaterialLength);
        return sealer.Wrap(new(grain, incarnation, version), material.Span);
    }

    /// <summary>Opens a version: the newest from the key's row, an older one from a row of its own.</summary>
    /// <param name="key">The key.</param>
    /// <param name="version">A version that is not destroyed.</param>
    /// <returns>The cipher; null when it was closed again while its row was read.</returns>
    /// <exception cref="KmsException">key_corrupted: the material is missing or does not open.</exception>
    public async ValueTask<VersionCipher?> Open(KeyRow key, int version)
    {
        if (Find(version) is { } open)
        {
            return open;
        }

        var wrapped = key.Material;
        if (wrapped?.Version != version)
        {
            var generation = _generation;
            var slot = new RowSlot<KeyVersionRow>(storage, grain, RowNames.KeyVersion(version));
            await slot.Read();
            if (generation != _generation)
            {
                return null;
            }

            wrapped = slot.Row?.Incarnation == key.Incarnation ? slot.Row.Material : null;
        }

        if (wrapped is null || !KeyAlgorithms.TryFind(key.Spec, out var algorithm) || algorithm is not AeadAlgorithm aead)
        {
            throw KmsError.KeyCorrupted.Exception();
        }

        return Find(version) ?? Open(key, version, wrapped, aead);
    }

    /// <summary>Closes one version.</summary>
    public void Close(int version)
    {
        _generation++;
        if (_open.Remove(version, out var cipher))
        {
            cipher.Dispose();
        }
    }

    /// <summary>Closes all versions.</summary>
    public void Dispose()
    {
        _generation++;
        foreach (var cipher in _open.Values)
        {
            cipher.Dispose();
        }

        _open.Clear();
    }

    private VersionCipher Open(KeyRow key, int version, WrappedMaterial wrapped, AeadAlgorithm algorithm)
    {
        using var material = sealer.Open(new(grain, key.Incarnation, version), wrapped);
        try
        {
            var cipher = new VersionCipher(algorithm, keyId, version, material.Span);
            _open.Add(version, cipher);
            return cipher;
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            throw KmsError.KeyCorrupted.Exception();
        }
    }
}
