namespace OrleansKms;

/// <summary>Where a process finds what it needs for mutual TLS; all PEM. The files are read again when they are replaced.</summary>
/// <param name="AuthorityFile">The certificate authorities that others' certificates must come from; no other is trusted.</param>
/// <param name="CertificateFile">This process's certificate, with intermediate ones behind it if there are any.</param>
/// <param name="KeyFile">The certificate's private key, unencrypted.</param>
public sealed record MutualTlsFiles(string AuthorityFile, string CertificateFile, string KeyFile);
