using System.Buffers.Binary;
using System.Text;

namespace OrleansKms.Grains.Cryptography;

/// <summary>
/// The ciphertexts of one key version as FORMAT.md lays them out, wherever they are made: writes the header, and tells which
/// ciphertexts are the version's own.
/// </summary>
internal sealed class CiphertextCodec
{
    private readonly byte _algorithm;
    private readonly string _keyId;
    private readonly int _version;
    private readonly int _overhead;

    // The header of this version's ciphertexts. The first byte, the kind, is filled in for each ciphertext.
    private readonly byte[] _header;

    /// <summary>Makes the codec of a version.</summary>
    /// <param name="algorithm">The algorithm byte.</param>
    /// <param name="keyId">The key's id; a valid one.</param>
    /// <param name="version">The key version; 1 or more.</param>
    /// <param name="bodyOverhead">How many bytes longer the part after the header is than the plaintext.</param>
    public CiphertextCodec(byte algorithm, string keyId, int version, int bodyOverhead)
    {
        (_algorithm, _keyId, _version) = (algorithm, keyId, version);
        _header = new byte[CiphertextHeader.FixedLength + keyId.Length];
        _header[1] = algorithm;
        BinaryPrimitives.WriteInt32BigEndian(_header.AsSpan(2), version);
        _header[6] = (byte)keyId.Length;
        Encoding.ASCII.GetBytes(keyId, _header.AsSpan(CiphertextHeader.FixedLength));
        _overhead = _header.Length + bodyOverhead;
    }

    /// <summary>Length of the header in bytes.</summary>
    public int HeaderLength => _header.Length;

    /// <summary>The length of a ciphertext in bytes.</summary>
    /// <param name="plaintextLength">The plaintext's length in bytes.</param>
    public int CiphertextLength(int plaintextLength) => checked(_overhead + plaintextLength);

    /// <summary>The length of a plaintext in bytes; 0 also when the input is too short to be a ciphertext.</summary>
    /// <param name="ciphertextLength">The ciphertext's length in bytes.</param>
    public int PlaintextLength(int ciphertextLength) => Math.Max(0, ciphertextLength - _overhead);

    /// <summary>Writes the header.</summary>
    /// <param name="kind">A kind that ciphertexts can have.</param>
    /// <param name="ciphertext">The ciphertext; the header is written to its beginning.</param>
    /// <exception cref="ArgumentOutOfRangeException">The kind is not one of a ciphertext.</exception>
    public void WriteHeader(CiphertextKind kind, Span<byte> ciphertext)
    {
        if (!IsKind(kind))
        {
            throw new ArgumentOutOfRangeException(nameof(kind));
        }

        _header.CopyTo(ciphertext);
        ciphertext[0] = (byte)kind;
    }

    /// <summary>Whether a ciphertext names this version and is long enough for it.</summary>
    /// <param name="header">The header read from the ciphertext.</param>
    /// <param name="ciphertext">The complete ciphertext; may be anything.</param>
    /// <remarks>
    /// The AEAD authenticates the header too. It is compared first because these AEADs are not key-committing: a ciphertext that
    /// names another version or id must never reach this key. The caller's answer goes by the parsed header, so that has to agree
    /// with the bytes.
    /// </remarks>
    public bool IsOwn(in CiphertextHeader header, ReadOnlySpan<byte> ciphertext) =>
        ciphertext.Length >= _overhead
        && IsKind(header.Kind)
        && ciphertext[0] == (byte)header.Kind
        && header.Algorithm == _algorithm
        && header.KeyVersion == _version
        && header.Length == _header.Length
        && string.Equals(header.KeyId, _keyId, StringComparison.Ordinal)
        && ciphertext.Slice(1, _header.Length - 1).SequenceEqual(_header.AsSpan(1));

    private static bool IsKind(CiphertextKind kind) => kind is >= CiphertextKind.Data and <= CiphertextKind.DataKeyPair;
}
