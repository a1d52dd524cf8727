using System.Buffers;

namespace OrleansKms.Grains.Cryptography.Aead;

/// <summary>
/// One version of an AEAD key in this process: makes and opens the ciphertexts of FORMAT.md. Not thread-safe. The owner counts
/// the uses; this class does not know the limit.
/// </summary>
internal sealed class AeadVersion : IEncryptsAtOnce
{
    // Room on the stack for the header and the associated data; anything longer comes from the pool. Associated data is not
    // secret, so neither is cleared.
    private const int StackLength = 512;

    private readonly AeadKey _key;
    private readonly CiphertextCodec _codec;
    private readonly NonceSource _nonces;
    private readonly int _nonceLength;

    /// <summary>Opens a version. The material may be zeroed as soon as this returns.</summary>
    /// <param name="algorithm">The key's algorithm.</param>
    /// <param name="keyId">The key's id; a valid one.</param>
    /// <param name="version">The key version; 1 or more.</param>
    /// <param name="material">The version's material.</param>
    /// <param name="nonces">The source of nonces.</param>
    /// <exception cref="ArgumentException">The material has the wrong length.</exception>
    internal AeadVersion(AeadAlgorithm algorithm, string keyId, int version, ReadOnlySpan<byte> material, NonceSource nonces)
    {
        _codec = algorithm.Codec(keyId, version);
        _nonceLength = algorithm.NonceLength;
        _nonces = nonces;
        Version = version;
        _key = algorithm.OpenKey(material);
    }

    /// <inheritdoc/>
    public int Version { get; }

    /// <inheritdoc/>
    public bool IsAvailable => true;

    /// <inheritdoc/>
    public int CiphertextLength(int plaintextLength) => _codec.CiphertextLength(plaintextLength);

    /// <inheritdoc/>
    public int PlaintextLength(int ciphertextLength) => _codec.PlaintextLength(ciphertextLength);

    /// <inheritdoc/>
    public void Encrypt(
        CiphertextKind kind, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> ciphertext)
    {
        RequireLength(ciphertext.Length, CiphertextLength(plaintext.Length), nameof(ciphertext));
        _codec.WriteHeader(kind, ciphertext);
        var header = ciphertext[.._codec.HeaderLength];
        var nonce = ciphertext.Slice(header.Length, _nonceLength);
        var body = ciphertext.Slice(header.Length + _nonceLength, plaintext.Length);
        var tag = ciphertext[^AeadAlgorithm.TagLength..];
        _nonces.Next(nonce);
        if (associatedData.IsEmpty)
        {
            _key.Encrypt(nonce, plaintext, body, tag, header);
            return;
        }

        var length = checked(header.Length + associatedData.Length);
        byte[]? rented = null;
        var bound = length <= StackLength ? stackalloc byte[StackLength] : rented = ArrayPool<byte>.Shared.Rent(length);
        Join(header, associatedData, bound);
        _key.Encrypt(nonce, plaintext, body, tag, bound[..length]);
        Return(rented);
    }

    /// <inheritdoc/>
    public bool TryDecrypt(
        in CiphertextHeader header, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> associatedData, Span<byte> plaintext)
    {
        RequireLength(plaintext.Length, PlaintextLength(ciphertext.Length), nameof(plaintext));
        if (!_codec.IsOwn(header, ciphertext))
        {
            return false;
        }

        var ownHeader = ciphertext[.._codec.HeaderLength];
        var nonce = ciphertext.Slice(ownHeader.Length, _nonceLength);
        var body = ciphertext.Slice(ownHeader.Length + _nonceLength, plaintext.Length);
        var tag = ciphertext[^AeadAlgorithm.TagLength..];
        if (associatedData.IsEmpty)
        {
            return _key.TryDecrypt(nonce, body, tag, plaintext, ownHeader);
        }

        var length = checked(ownHeader.Length + associatedData.Length);
        byte[]? rented = null;
        var bound = length <= StackLength ? stackalloc byte[StackLength] : rented = ArrayPool<byte>.Shared.Rent(length);
        Join(ownHeader, associatedData, bound);
        var isGenuine = _key.TryDecrypt(nonce, body, tag, plaintext, bound[..length]);
        Return(rented);
        return isGenuine;
    }

    /// <inheritdoc/>
    public ValueTask<byte[]> Encrypt(
        CiphertextKind kind, ReadOnlyMemory<byte> plaintext, ReadOnlyMemory<byte> associatedData) =>
        new(this.EncryptToArray(kind, plaintext.Span, associatedData.Span));

    /// <inheritdoc/>
    public ValueTask<byte[]?> Decrypt(
        CiphertextHeader header, ReadOnlyMemory<byte> ciphertext, ReadOnlyMemory<byte> associatedData) =>
        new(this.DecryptToArray(header, ciphertext.Span, associatedData.Span));

    /// <summary>Erases the key.</summary>
    public void Dispose() => _key.Dispose();

    private static void RequireLength(int length, int expected, string buffer)
    {
        if (length != expected)
        {
            throw new ArgumentException("The buffer must be exactly as long as the result.", buffer);
        }
    }

    private static void Join(ReadOnlySpan<byte> header, ReadOnlySpan<byte> associatedData, Span<byte> bound)
    {
        header.CopyTo(bound);
        associatedData.CopyTo(bound[header.Length..]);
    }

    // Not in a finally: the collector takes an array lost to an exception, and returning one that a native call may still use
    // would be worse.
    private static void Return(byte[]? rented)
    {
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }
}
