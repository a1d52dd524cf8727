using System.Security.Cryptography;
using System.Text;

namespace OrleansKms;

/// <summary>
/// What a caller signs in with, as one text that tells its kind. One of them belongs to one principal at most. It is no secret: a token
/// is known by its id here.
/// </summary>
internal static class CredentialName
{
    /// <summary>How the names of tokens begin.</summary>
    public const string TokenPrefix = "token:";

    private const string CertificatePrefix = "certificate:";
    private const string JwtPrefix = "jwt:";

    /// <summary>An API token.</summary>
    public static string OfToken(string id) => TokenPrefix + id;

    /// <summary>A client certificate, by a URI or a DNS name of its subject alternative names.</summary>
    public static string OfCertificate(string subjectAlternativeName) => CertificatePrefix + subjectAlternativeName;

    /// <summary>A JWT, by its issuer and subject. Neither has a line break in it, so no other pair gives the same text.</summary>
    public static string OfJwt(string issuer, string subject) => $"{JwtPrefix}{issuer}\n{subject}";

    /// <summary>The id of a token's name; null for a name of another kind.</summary>
    public static string? TokenId(string name) =>
        name.StartsWith(TokenPrefix, StringComparison.Ordinal) ? name[TokenPrefix.Length..] : null;

    /// <summary>The key of its row: names can be long, and have characters that keys do not.</summary>
    public static string RowKey(string name) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
}
