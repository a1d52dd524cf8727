using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace OrleansKms;

/// <summary>
/// API tokens: <c>okms_</c>, an id of 16 hexadecimal digits, <c>_</c>, and 256 random bits in base64url. The id finds the token's row and
/// is not secret; of the whole text the service stores only the SHA-256.
/// </summary>
internal static class ApiToken
{
    /// <summary>The prefix of every token, by which scanners of source code find a leaked one.</summary>
    public const string Prefix = "okms_";

    private const int IdBytes = 8;
    private const int IdLength = 2 * IdBytes;
    private const int SecretBytes = 32;
    private const int SecretLength = 43;
    private const int Length = 5 + IdLength + 1 + SecretLength;

    /// <summary>Creates a token.</summary>
    /// <returns>Its id and its text.</returns>
    public static (string Id, string Text) New()
    {
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes));
        Span<byte> secret = stackalloc byte[SecretBytes];
        RandomNumberGenerator.Fill(secret);
        var text = $"{Prefix}{id}_{Base64Url.EncodeToString(secret)}";
        CryptographicOperations.ZeroMemory(secret);
        return (id, text);
    }

    /// <summary>Reads the id from a text in the form of a token.</summary>
    public static bool TryReadId(ReadOnlySpan<char> text, out ReadOnlySpan<char> id)
    {
        id = default;
        if (text.Length != Length || !text.StartsWith(Prefix, StringComparison.Ordinal) || text[Prefix.Length + IdLength] != '_') return false;
        id = text.Slice(Prefix.Length, IdLength);
        return IsId(id);
    }

    /// <summary>Whether a text is a token's id.</summary>
    public static bool IsId(ReadOnlySpan<char> id) => id.Length == IdLength && !id.ContainsAnyExceptInRange('0', 'f') && IsLowerHex(id);

    /// <summary>The SHA-256 of a token's text.</summary>
    public static byte[] Hash(string text) => SHA256.HashData(Encoding.ASCII.GetBytes(text));

    private static bool IsLowerHex(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (!char.IsAsciiHexDigitLower(c)) return false;
        }

        return true;
    }
}
