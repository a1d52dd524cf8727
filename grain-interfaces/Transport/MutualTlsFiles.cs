using OrleansKms.Configuration;

namespace OrleansKms;

/// <summary>
/// The files of a process for mutual TLS; all PEM. Replaced files are read again, and serve connections made from then on, within
/// seconds; a set that does not fit together is ignored until it does.
/// </summary>
/// <param name="AuthorityFile">
/// The certificate authorities of others' certificates; no other is trusted. Only certificates of authorities, including their
/// roots. Setting OKMS_TLS_CA.
/// </param>
/// <param name="CertificateFile">
/// This process's certificate, followed by any intermediate certificates. Its role is a URI among its alternative names:
/// <c>okms:silo</c>, <c>okms:gateway</c> or <c>okms:client</c>; its extended key usages are server and client authentication for
/// a silo, and client authentication for a client. A running client takes over a new certificate only with the same name. Setting
/// OKMS_TLS_CERT.
/// </param>
/// <param name="KeyFile">
/// The certificate's private key, unencrypted. Only its owner may read or change it; this process may read it through its group
/// only if root owns it. Setting OKMS_TLS_KEY.
/// </param>
public sealed record MutualTlsFiles(string AuthorityFile, string CertificateFile, string KeyFile)
{
    /// <summary>
    /// How old a connection may become before it is replaced, with the certificates and authorities of that day; up to a tenth
    /// less, so that not all end at once. It always ends at the other side's NotAfter. Setting OKMS_TLS_MAX_CONNECTION_AGE.
    /// </summary>
    public TimeSpan MaxConnectionAge { get; init; } = SettingTable.TlsMaxConnectionAge.Default;
}
