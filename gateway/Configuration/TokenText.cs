using System.Security.Cryptography;
using System.Text;
using OrleansKms.Configuration;

namespace OrleansKms.Gateway.Configuration;

/// <summary>
/// The form of a bearer token in a file: 32 to 256 characters of RFC 6750's token68, so that a truncated token, or a password, is
/// refused rather than served.
/// </summary>
internal static class TokenText
{
    /// <summary>The minimum length.</summary>
    public const int MinLength = 32;

    /// <summary>The maximum length.</summary>
    public const int MaxLength = 256;

    /// <summary>Whether the text is a token; white space around it is not part of one.</summary>
    public static bool IsValid(string text) =>
        text.Length is >= MinLength and <= MaxLength
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '~' or '+' or '/' or '=');

    /// <summary>The SHA-256 of the token in a file.</summary>
    /// <exception cref="SettingException">It holds no token, or others may read it; the message never holds the token.</exception>
    public static byte[] ReadSha256(string path)
    {
        var text = SecretFile.Read(SettingTable.MetricsTokenFile, path);
        return IsValid(text)
            ? SHA256.HashData(Encoding.ASCII.GetBytes(text))
            : throw new SettingException(
                SettingTable.MetricsTokenFile, $"names a file with something else in it than one token of {MinLength} to {MaxLength} characters: {path}");
    }
}
