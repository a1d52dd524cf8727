using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace OrleansKms.Grains.Cryptography.Aead;

/// <summary>
/// One version of an AEAD key, ready for use: makes and opens the ciphertexts of FORMAT.md. For one owner and one thread at
/// a time. The owner counts the uses; this class does not know the limit.
/// </summary>
public sealed class VersionCipher : IDisposable
{
    // Room for the header and the associated data on the stack; what is longer comes from the pool. Associated data is not
    // secret, so neither is cleared.
    private const int StackLength = 512;

    private readonly AeadKey _key;
    private readonly NonceSource _nonces;
    private readonly int _nonceLength;
    private readonly byte _algorithm;
    private readonly string _keyId;

    // The header of this version's ciphertexts. Its first byte, the kind, is written when it is used.
    private readonly byte[] _header;

    /// <summary>Opens a version. The material may be zeroed as soon as this returns.</summary>
    /// <param name="algorithm">The key's algorithm.</param>
    /// <param name="keyId">The key's id.</param>
    /// <param name="version">The key version; 1 or more.</param>
    /// <param name="material">The version's material.</param>
    /// <exception cref="ArgumentException">An argument is not valid.</exception>
    public VersionCipher(AeadAlgorithm algorithm, string keyId, int version, ReadOnlySpan<byte> material)
        : this(algorithm, keyId, version, material, NonceSource.System)
    {
    }

    internal VersionCipher(AeadAlgorithm algorithm, string keyId, int version, ReadOnlySpan<byte> material, NonceSource nonces)
    {
        ArgumentNullException.ThrowIfNull(algorithm);
        ArgumentOutOfRangeException.ThrowIfLessThan(version, 1);
        if (!OrleansKms.KeyId.IsValid(keyId))
        {
            throw new ArgumentException("The key id is not valid.", nameof(keyId));
        }

        _header = new byte[CiphertextHeader.FixedLength + keyId.Length];
        _header[1] = algorithm.Id;
        BinaryPrimitives.WriteInt32BigEndian(_header.AsSpan(2), version);
        _header[6] = (byte)keyId.Length;
        Encoding.ASCII.GetBytes(keyId, _header.AsSpan(CiphertextHeader.FixedLength));

        _algorithm = algorithm.Id;
        _nonceLength = algorithm.NonceLength;
        _keyId = keyId;
        _nonces = nonces;
        Version = version;
        _key = algorithm.Open(material);
    }

    /// <summary>The key version.</summary>
    public int Version { get; }

    /// <summary>How many bytes longer a ciphertext is than its plaintext.</summary>
    public int Overhead => _header.Length + _nonceLength + AeadAlgorithm.TagLength;

    /// <summary>Encrypts under a fresh nonce.</summary>
    /// <param name="kind">What the plaintext is; it is authenticated.</param>
    /// <param name="plaintext">Any length, also none.</param>
    /// <param name="associatedData">Must be given again to decrypt; may be empty.</param>
    /// <returns>The complete, self-describing ciphertext; the only allocation.</returns>
    /// <exception cref="ArgumentOutOfRangeException">No ciphertext has this kind.</exception>
    /// <exception cref="ObjectDisposedException">The version is disposed.</exception>
    public byte[] Encrypt(CiphertextKind kind, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData)
    {
        if (kind is < CiphertextKind.Data or > CiphertextKind.DataKeyPair)
        {
            throw new ArgumentOutOfRangeException(nameof(kind));
        }

        // Each byte of it is written below, or it never leaves.
        var result = GC.AllocateUninitializedArray<byte>(checked(Overhead + plaintext.Length));
        var header = result.AsSpan(0, _header.Length);
        _header.CopyTo(header);
        header[0] = (byte)kind;
        var nonce = result.AsSpan(header.Length, _nonceLength);
        _nonces.Next(nonce);

        var body = result.AsSpan(header.Length + _nonceLength);
        var ciphertext = body[..plaintext.Length];
        var tag = body[plaintext.Length..];
        if (associatedData.IsEmpty)
        {
            _key.Encrypt(nonce, plaintext, ciphertext, tag, header);
            return result;
        }

        var length = checked(header.Length + associatedData.Length);
        byte[]? rented = null;
        var buffer = length <= StackLength ? stackalloc byte[StackLength] : rented = ArrayPool<byte>.Shared.Rent(length);
        Join(header, associatedData, buffer);
        _key.Encrypt(nonce, plaintext, ciphertext, tag, buffer[..length]);
        Return(rented);
        return result;
    }

    /// <summary>Decrypts and verifies. No bytes make it throw.</summary>
    /// <param name="header">The header read from the ciphertext.</param>
    /// <param name="ciphertext">The complete ciphertext; may be anything.</param>
    /// <param name="associatedData">What was given to encrypt; may be anything.</param>
    /// <returns>
    /// The plaintext, or null if this is not a ciphertext that this version made with this associated data, whatever it is
    /// that differs.
    /// </returns>
    /// <exception cref="ObjectDisposedException">The version is disposed.</exception>
    public byte[]? Decrypt(in CiphertextHeader header, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> associatedData)
    {
        if (ciphertext.Length < Overhead || !IsOwn(header, ciphertext))
        {
            return null;
        }

        var ownHeader = ciphertext[.._header.Length];
        var nonce = ciphertext.Slice(_header.Length, _nonceLength);
        var body = ciphertext[(_header.Length + _nonceLength)..^AeadAlgorithm.TagLength];
        var tag = ciphertext[^AeadAlgorithm.TagLength..];
        var plaintext = new byte[body.Length];
        if (associatedData.IsEmpty)
        {
            return _key.TryDecrypt(nonce, body, tag, plaintext, ownHeader) ? plaintext : null;
        }

        var length = checked(ownHeader.Length + associatedData.Length);
        byte[]? rented = null;
        var buffer = length <= StackLength ? stackalloc byte[StackLength] : rented = ArrayPool<byte>.Shared.Rent(length);
        Join(ownHeader, associatedData, buffer);
        var genuine = _key.TryDecrypt(nonce, body, tag, plaintext, buffer[..length]);
        Return(rented);
        return genuine ? plaintext : null;
    }

    /// <summary>Erases the key.</summary>
    public void Dispose() => _key.Dispose();

    private static void Join(ReadOnlySpan<byte> header, ReadOnlySpan<byte> associatedData, Span<byte> buffer)
    {
        header.CopyTo(buffer);
        associatedData.CopyTo(buffer[header.Length..]);
    }

    // Not in a finally: an array lost to an exception is the collector's, and returning one that a native call may still
    // use would be worse.
    private static void Return(byte[]? rented)
    {
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    // The AEAD authenticates the header too. It is compared first because these AEADs do not commit to a key: a ciphertext
    // that names another version or id must not reach this key at all. The caller answers with what the header says, so that
    // has to agree with the bytes.
    private bool IsOwn(in CiphertextHeader header, ReadOnlySpan<byte> ciphertext) =>
        header.Kind is >= CiphertextKind.Data and <= CiphertextKind.DataKeyPair
        && ciphertext[0] == (byte)header.Kind
        && header.Algorithm == _algorithm
        && header.KeyVersion == Version
        && header.Length == _header.Length
        && string.Equals(header.KeyId, _keyId, StringComparison.Ordinal)
        && ciphertext.Slice(1, _header.Length - 1).SequenceEqual(_header.AsSpan(1));
}
