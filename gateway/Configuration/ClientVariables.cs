namespace OrleansKms.Gateway.Configuration;

/// <summary>
/// Environment variables of the verbs that call a service over HTTP. A process that serves does not read them, and does not refuse them:
/// both may run in one shell.
/// </summary>
internal static class ClientVariables
{
    /// <summary>The service's address.</summary>
    public const string Url = "OKMS_URL";

    /// <summary>The token.</summary>
    public const string Token = "OKMS_TOKEN";

    /// <summary>A file with the token.</summary>
    public const string TokenFile = "OKMS_TOKEN_FILE";

    /// <summary>A file with the certificates of the authorities that the service's certificate is checked against.</summary>
    public const string AuthorityFile = "OKMS_CA_FILE";

    /// <summary>A file with the client's certificate, to sign in with.</summary>
    public const string CertificateFile = "OKMS_CLIENT_CERTIFICATE_FILE";

    /// <summary>A file with the client certificate's private key.</summary>
    public const string KeyFile = "OKMS_CLIENT_KEY_FILE";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Url, Token, TokenFile, AuthorityFile, CertificateFile, KeyFile];
}
