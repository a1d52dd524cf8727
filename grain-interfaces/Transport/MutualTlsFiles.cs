using OrleansKms.Configuration;

namespace OrleansKms;

/// <summary>
/// Where a process finds what it needs for mutual TLS; all PEM. The files are read again when they are replaced, and serve the
/// connections that are made from then on, within seconds: a set that does not fit together is passed over until it does.
/// </summary>
/// <param name="AuthorityFile">
/// The certificate authorities that others' certificates must come from; no other is trusted. Only certificates of authorities,
/// with their roots. Setting OKMS_TLS_CA.
/// </param>
/// <param name="CertificateFile">
/// This process's certificate, with intermediate ones behind it if there are any. Its role is a URI among its alternative names:
/// <c>okms:silo</c>, <c>okms:gateway</c> or <c>okms:client</c>; its extended key usages are server and client authentication for a silo, client
/// authentication for a client. A client that runs takes up a new one only under the same name. Setting OKMS_TLS_CERT.
/// </param>
/// <param name="KeyFile">
/// The certificate's private key, unencrypted. Nobody but its owner may read or change it; only if the owner is root may this
/// process read it by its group. Setting OKMS_TLS_KEY.
/// </param>
public sealed record MutualTlsFiles(string AuthorityFile, string CertificateFile, string KeyFile)
{
    /// <summary>
    /// How old a connection may become before it ends and is made anew, with the certificates and authorities of that day; up to a tenth
    /// less, so that not all end at once. It ends at the other side's NotAfter in any case. Setting OKMS_TLS_MAX_CONNECTION_AGE.
    /// </summary>
    public TimeSpan MaxConnectionAge { get; init; } = SettingTable.TlsMaxConnectionAge.Default;
}
