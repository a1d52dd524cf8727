using System.Buffers.Binary;
using System.Text;

namespace OrleansKms;

/// <summary>
/// The readable beginning of a ciphertext: <c>format(1) | algorithm(1) | key version(4, big endian) | id length(1) | key id</c>.
/// It lets a caller find the key. It proves nothing: only decryption authenticates it.
/// </summary>
/// <param name="Kind">What the ciphertext claims to hold.</param>
/// <param name="Algorithm">The algorithm byte.</param>
/// <param name="KeyVersion">1 or more.</param>
/// <param name="KeyId">A valid key id.</param>
/// <param name="Length">The header's length in bytes, 8 to 135.</param>
public readonly record struct CiphertextHeader(CiphertextKind Kind, byte Algorithm, int KeyVersion, string KeyId, int Length)
{
    /// <summary>Bytes before the key id.</summary>
    public const int FixedLength = 7;

    /// <summary>
    /// The maximum number of bytes by which a ciphertext is longer than its plaintext: with the longest id, a nonce of 24 bytes
    /// and the tag. Those of RSA are as long as the modulus, whatever the plaintext, and far below the largest of the others.
    /// </summary>
    public const int MaxOverhead = FixedLength + OrleansKms.KeyId.MaxLength + 24 + 16;

    /// <summary>Reads the header of a ciphertext.</summary>
    /// <param name="ciphertext">Any bytes.</param>
    /// <param name="header">The header, if there is one.</param>
    /// <returns>Whether the bytes begin with a well-formed header of a known format.</returns>
    public static bool TryRead(ReadOnlySpan<byte> ciphertext, out CiphertextHeader header)
    {
        header = default;
        if (ciphertext.Length <= FixedLength || ciphertext[0] is < 1 or > 3)
        {
            return false;
        }

        var version = BinaryPrimitives.ReadUInt32BigEndian(ciphertext[2..]);
        var idLength = ciphertext[6];
        if (version is 0 or > int.MaxValue || ciphertext.Length < FixedLength + idLength)
        {
            return false;
        }

        Span<char> id = stackalloc char[byte.MaxValue];
        id = id[..Encoding.Latin1.GetChars(ciphertext.Slice(FixedLength, idLength), id)];
        if (!OrleansKms.KeyId.IsValid(id))
        {
            return false;
        }

        header = new((CiphertextKind)ciphertext[0], ciphertext[1], (int)version, id.ToString(), FixedLength + idLength);
        return true;
    }
}
