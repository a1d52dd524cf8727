using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Oaep;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>One version of an RSA key in the HSM that decrypts; every decryption is an HSM call.</summary>
/// <param name="key">The key.</param>
/// <param name="version">The key version.</param>
/// <param name="publicPart">Its public part.</param>
/// <param name="length">Length of the modulus in bytes.</param>
internal sealed class HsmOaepVersion(HsmVersionKey key, int version, byte[] publicPart, int length) : IDecryptsByPrivateKey
{
    private readonly byte[] _modulus = ModulusOf(publicPart);
    private bool _disposed;

    /// <inheritdoc/>
    public int Version => version;

    /// <inheritdoc/>
    public bool IsAvailable => key.IsAvailable;

    /// <inheritdoc/>
    public IReadOnlyList<EncryptionScheme> Schemes => RsaOaepScheme.All;

    /// <inheritdoc/>
    public int CiphertextLength => length;

    /// <summary>As far as it is known; a decryption waits until it is.</summary>
    public void RequireOffered(EncryptionScheme scheme)
    {
        if (key.Proofs.Find(key.Mechanism) is { } proof)
        {
            HsmOaepPublicVersion.RequireOffered(proof, scheme);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<byte[]?> Decrypt(EncryptionScheme scheme, ReadOnlyMemory<byte> ciphertext)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var proof = await key.Proof();
        RequireOffered(scheme);

        // Tokens differ in what they answer to what is no number below the modulus.
        if (ciphertext.Length != length || ciphertext.Span.SequenceCompareTo(_modulus) >= 0)
        {
            return null;
        }

        var copy = ciphertext.ToArray();
        var oaep = proof?.Oaep.First(one => one.Scheme == scheme) ?? HsmRsaOaep.Untried(scheme);
        return await key.Hsm.RunRepeatable(session => Decrypt(session, oaep, copy), CancellationToken.None);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed = true;
        key.Forget();
    }

    // By another key nothing decrypts, which must not be taken for a forgery.
    private byte[]? Decrypt(HsmSession session, TokenOaep oaep, byte[] ciphertext)
    {
        var handle = key.Handle(session);
        return oaep.Decrypt(session, handle, ciphertext, () => key.Hsm.IsTokenWell(session)) is { } plaintext ? plaintext
            : key.IsHandle(session, handle) ? null
            : oaep.Decrypt(session, key.Handle(session), ciphertext, () => key.Hsm.IsTokenWell(session));
    }

    private static byte[] ModulusOf(byte[] publicPart)
    {
        using var rsa = RSA.Create();
        rsa.ImportSubjectPublicKeyInfo(publicPart, out _);
        return rsa.ExportParameters(includePrivateParameters: false).Modulus!;
    }
}
