using System.Security.Cryptography;
using System.Text;

namespace OrleansKms;

/// <summary>
/// The name of a credential: its kind and what identifies it, as one text. A credential belongs to at most one principal. The name is not
/// secret: it has a token's id only.
/// </summary>
internal static class CredentialName
{
    /// <summary>The prefix of tokens' names.</summary>
    public const string TokenPrefix = "token:";

    private const string CertificatePrefix = "certificate:";
    private const string JwtPrefix = "jwt:";

    /// <summary>An API token.</summary>
    public static string OfToken(string id) => TokenPrefix + id;

    /// <summary>A client certificate, by a URI or DNS name in its subject alternative names.</summary>
    public static string OfCertificate(string subjectAlternativeName) => CertificatePrefix + subjectAlternativeName;

    /// <summary>A JWT, by its issuer and subject. Neither contains a line break, so no two pairs have the same name.</summary>
    public static string OfJwt(string issuer, string subject) => $"{JwtPrefix}{issuer}\n{subject}";

    /// <summary>Whether a credential is one that principals have, whatever else the caller says about itself.</summary>
    public static bool IsOfPrincipal(string? name) => name is not null
        && (name.StartsWith(TokenPrefix, StringComparison.Ordinal) || name.StartsWith(CertificatePrefix, StringComparison.Ordinal)
            || name.StartsWith(JwtPrefix, StringComparison.Ordinal));

    /// <summary>The id in a token's name; null for other kinds.</summary>
    public static string? TokenId(string name) =>
        name.StartsWith(TokenPrefix, StringComparison.Ordinal) ? name[TokenPrefix.Length..] : null;

    /// <summary>The key of its row: names can be long, and contain characters that row keys cannot.</summary>
    public static string RowKey(string name) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
}
