using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// One version of an AES-GCM key in the HSM; every operation is an HSM call. The ciphertexts are those of FORMAT.md, byte for
/// byte as the software makes them.
/// </summary>
/// <param name="hsm">The token.</param>
/// <param name="id">The key's CKA_ID.</param>
/// <param name="version">The key version.</param>
/// <param name="codec">The codec of its ciphertexts.</param>
internal sealed class HsmAesGcmVersion(HsmToken hsm, byte[] id, int version, CiphertextCodec codec) : IEncrypts
{
    private bool _disposed;

    /// <inheritdoc/>
    public int Version => version;

    /// <inheritdoc/>
    public bool IsAvailable => hsm is { IsUp: true, Gcm: not null };

    /// <inheritdoc/>
    public async ValueTask<byte[]> Encrypt(
        CiphertextKind kind, ReadOnlyMemory<byte> plaintext, ReadOnlyMemory<byte> associatedData)
    {
        var header = new byte[codec.HeaderLength];
        codec.WriteHeader(kind, header);
        var gcm = Gcm();
        if (plaintext.Length > gcm.MaxMessage)
        {
            throw KmsError.PayloadTooLarge.Exception($"The HSM takes plaintexts of up to {gcm.MaxMessage} bytes.");
        }

        byte[] bound = [.. header, .. associatedData.Span];
        var message = plaintext.ToArray();
        try
        {
            return await hsm.RunRepeatable(
                session => (byte[])[.. header, .. gcm.Encrypt(session, Key(session), message, bound)], CancellationToken.None);
        }
        finally
        {
            // An abandoned call that still runs encrypts zeros, and nobody gets the result.
            CryptographicOperations.ZeroMemory(message);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<byte[]?> Decrypt(
        CiphertextHeader header, ReadOnlyMemory<byte> ciphertext, ReadOnlyMemory<byte> associatedData)
    {
        var gcm = Gcm();
        if (!codec.IsOwn(header, ciphertext.Span))
        {
            return null;
        }

        byte[] bound = [.. ciphertext.Span[..codec.HeaderLength], .. associatedData.Span];
        var message = ciphertext[codec.HeaderLength..].ToArray();
        try
        {
            return await hsm.RunRepeatable(session => Decrypt(session, gcm, message, bound), CancellationToken.None);
        }
        catch (KmsException e) when (e.InnerException is HsmSizeException size)
        {
            // Encrypted when the token took more. It cannot be called a forgery.
            throw KmsError.PayloadTooLarge.Exception(size.Message);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed = true;

        // It may have been closed because another silo has destroyed it.
        hsm.Forget(id);
    }

    private byte[]? Decrypt(HsmSession session, TokenGcm gcm, byte[] message, byte[] bound)
    {
        var plaintext = new byte[message.Length - GcmParameters.IvLength];
        var length = gcm.Decrypt(session, Key(session), message, bound, plaintext, () => hsm.IsTokenWell(session));
        if (length is null)
        {
            return null;
        }

        var exact = plaintext[..length.Value];
        CryptographicOperations.ZeroMemory(plaintext);
        return exact;
    }

    private ulong Key(HsmSession session) =>
        session.FindKey(id) ?? throw new HsmException($"The token has no key {Convert.ToHexStringLower(id)}.");

    private TokenGcm Gcm()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return hsm.Gcm ?? throw KmsError.HsmUnavailable.Exception();
    }
}
