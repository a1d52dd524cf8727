using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OrleansKms.Transport;

/// <summary>
/// What a process shows and whom it trusts: one set of files that fits together. Immutable; a handshake uses one set from
/// beginning to end. A replaced set is not disposed, since connections may still use it: its handles go with it.
/// </summary>
internal sealed class TlsIdentity
{
    private readonly SslStreamCertificateContext _own;
    private readonly TrustedAuthorities _authorities;

    private TlsIdentity(string fingerprint, SslStreamCertificateContext own, TrustedAuthorities authorities)
    {
        Fingerprint = fingerprint;
        _own = own;
        _authorities = authorities;
    }

    /// <summary>Differs when anything in the files does.</summary>
    public string Fingerprint { get; }

    /// <summary>The name in our own certificate.</summary>
    public string Subject => _own.TargetCertificate.Subject;

    /// <summary>The digest of that name, to which a client's id is bound.</summary>
    public string NameDigest => BoundClientId.DigestOf(_own.TargetCertificate);

    /// <summary>When our own certificate becomes valid.</summary>
    public DateTimeOffset NotBefore => _own.TargetCertificate.NotBefore;

    /// <summary>When others stop accepting it: the earliest expiry in its chain.</summary>
    public DateTimeOffset NotAfter { get; private set; }

    /// <summary>The name in the certificate that expires first: our own, or one above it.</summary>
    public string EndsFirst { get; private set; } = "";

    /// <summary>Makes an identity from the files, and refuses one that others would refuse.</summary>
    /// <param name="contents">The files.</param>
    /// <param name="role">The role of the process, which its certificate must name.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="StartRefusedException">The files do not fit together, or not for this process now.</exception>
    public static TlsIdentity Open(TlsFileContents contents, CertificateRole role, DateTimeOffset now)
    {
        var authorities = TrustedAuthorities.Read(contents.Authorities, TlsFile.Authority(contents.Files).Unusable);
        var chain = TrustedAuthorities.ReadCertificates(contents.Certificates, TlsFile.Certificate(contents.Files).Unusable);
        var own = WithKey(contents, chain);
        chain.RemoveAt(0);
        var identity = new TlsIdentity(
            contents.Fingerprint, SslStreamCertificateContext.Create(own, chain, offline: true), authorities);
        identity.RequireUsable(TlsFile.Certificate(contents.Files), chain, role, now);
        (identity.EndsFirst, identity.NotAfter) = identity.FirstEnd(chain, now);
        return identity;
    }

    /// <summary>How to answer a peer that connects.</summary>
    public SslServerAuthenticationOptions ToAnswer(PeerCheck peer) => new()
    {
        ServerCertificateContext = _own,
        ClientCertificateRequired = true,
        RemoteCertificateValidationCallback = peer.Accept,
        CertificateChainPolicy = _authorities.PolicyFor(peer.Usage),
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        EnabledSslProtocols = SslProtocols.Tls13,
        EncryptionPolicy = EncryptionPolicy.RequireEncryption,
        AllowRenegotiation = false,
        // A resumed session would not be checked against today's authorities and roles.
        AllowTlsResume = false,
    };

    /// <summary>How to connect to a silo.</summary>
    /// <param name="peer">Decides whether it is one.</param>
    /// <param name="host">Its address. Its certificate need not name it: addresses come and go, and the role decides.</param>
    public SslClientAuthenticationOptions ToConnect(PeerCheck peer, string host) => new()
    {
        TargetHost = host,
        ClientCertificateContext = _own,
        RemoteCertificateValidationCallback = peer.Accept,
        CertificateChainPolicy = _authorities.PolicyFor(peer.Usage),
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        EnabledSslProtocols = SslProtocols.Tls13,
        EncryptionPolicy = EncryptionPolicy.RequireEncryption,
        AllowRenegotiation = false,
        AllowTlsResume = false,
    };

    private void RequireUsable(
        TlsFile file, X509Certificate2Collection intermediates, CertificateRole role, DateTimeOffset now)
    {
        var own = _own.TargetCertificate;
        if (now >= own.NotAfter) throw file.Unusable(FormattableString.Invariant($"holds a certificate that expired at {own.NotAfter.ToUniversalTime():u}."));
        if (now < NotBefore)
        {
            throw file.Unusable(FormattableString.Invariant($"holds a certificate that is not valid before {NotBefore:u}."));
        }
        if ((CertificateRoles.Of(own) & role) == 0)
        {
            throw file.Unusable($"holds a certificate without the role {CertificateRoles.Describe(role)} in its alternative names.");
        }
        var isSilo = role == CertificateRole.Silo;
        Oid[] usages = isSilo
            ? [PeerCheck.ClientAuthentication, PeerCheck.ServerAuthentication]
            : [PeerCheck.ClientAuthentication];
        foreach (var usage in usages)
        {
            if (!PeerCheck.AllowsUsage(own, usage))
            {
                throw file.Unusable($"holds a certificate without the extended key usage {usage.FriendlyName}.");
            }
            // Silos trust the same authorities: the others will not trust what a silo does not trust itself. Clients may have
            // another authority.
            if (isSilo && !IsTrusted(own, intermediates, usage, now))
            {
                throw file.Unusable("holds a certificate that does not come from an authority in the file of OKMS_TLS_CA.");
            }
        }
    }

    private bool IsTrusted(X509Certificate2 own, X509Certificate2Collection intermediates, Oid usage, DateTimeOffset now)
    {
        using var chain = new X509Chain { ChainPolicy = _authorities.PolicyFor(usage) };
        chain.ChainPolicy.ExtraStore.AddRange(intermediates);
        chain.ChainPolicy.VerificationTime = now.LocalDateTime;
        var trusted = chain.Build(own);
        foreach (var element in chain.ChainElements) element.Certificate.Dispose();
        return trusted;
    }

    // The chain of a client whose silos have another authority ends where its own files do.
    private (string Subject, DateTimeOffset At) FirstEnd(X509Certificate2Collection intermediates, DateTimeOffset now)
    {
        using var chain = new X509Chain { ChainPolicy = _authorities.PolicyFor(PeerCheck.ClientAuthentication) };
        chain.ChainPolicy.ExtraStore.AddRange(intermediates);
        chain.ChainPolicy.VerificationTime = now.LocalDateTime;
        chain.Build(_own.TargetCertificate);
        var first = chain.ChainElements.Select(element => element.Certificate).MinBy(certificate => certificate.NotAfter)!;
        var end = (first.Subject, (DateTimeOffset)first.NotAfter);
        foreach (var element in chain.ChainElements) element.Certificate.Dispose();
        return end;
    }

    private static X509Certificate2 WithKey(TlsFileContents contents, X509Certificate2Collection chain)
    {
        try
        {
            return contents.WithKey(key => X509Certificate2.CreateFromPem(chain[0].ExportCertificatePem(), key));
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw TlsFile.Key(contents.Files).Unusable(
                $"holds no unencrypted key in PEM that belongs to the certificate in {contents.Files.CertificateFile}.", e);
        }
    }
}
