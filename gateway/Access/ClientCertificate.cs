using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using OrleansKms.Transport;

namespace OrleansKms.Gateway.Access;

/// <summary>
/// The certificate that a client has shown when it connected. It is checked then, and again when the authorities are replaced, since
/// connections live long.
/// </summary>
internal sealed class ClientCertificate
{
    /// <summary>The most bytes of a certificate and what is sent with it; more is refused in the handshake, since it would be kept.</summary>
    public const int MaxBytes = 32 * 1024;

    /// <summary>The most names of a certificate that are looked up.</summary>
    public const int MaxNames = 32;

    private readonly byte[] _own;
    private readonly byte[][] _above;
    private volatile CertificateVerdict _verdict;
    private volatile Owner? _owner;

    private ClientCertificate(CertificateVerdict verdict, byte[] own, byte[][] above, IReadOnlyList<string> credentials) =>
        (_verdict, _own, _above, Credentials) = (verdict, own, above, credentials);

    /// <summary>Whose it was found to be last.</summary>
    private sealed record Owner(KnownCredential Known, Principal Principal);

    /// <summary>What it may sign in by, as <see cref="CredentialName"/> writes it: each of its names.</summary>
    public IReadOnlyList<string> Credentials { get; }

    /// <summary>Whether a client sends more than is kept.</summary>
    public static bool IsTooLarge(X509Certificate2 certificate, X509Chain? chain) =>
        certificate.RawDataMemory.Length + (chain?.ChainPolicy.ExtraStore.Sum(one => one.RawDataMemory.Length) ?? 0) > MaxBytes;

    /// <summary>Takes over what a handshake has shown.</summary>
    /// <param name="certificate">The client's own certificate.</param>
    /// <param name="chain">Its chain to one of the authorities, as far as there is one.</param>
    /// <param name="errors">What the platform found.</param>
    /// <param name="by">The authorities.</param>
    public static ClientCertificate Shown(X509Certificate2 certificate, X509Chain? chain, SslPolicyErrors errors, TrustedAuthorities by)
    {
        var verdict = CertificateVerdict.Of(certificate, chain, errors, by);
        // One that is refused is not checked again: its connection is closed.
        return verdict.Refusal is not null
            ? new(verdict, [], [], [])
            : new(
                verdict,
                certificate.RawData,
                [.. chain!.ChainElements.Skip(1).Select(element => element.Certificate.RawData)],
                [.. CertificateName.Of(certificate).Select(CredentialName.OfCertificate)]);
    }

    /// <summary>What the authorities of today say of it.</summary>
    public CertificateVerdict JudgedBy(TrustedAuthorities authorities)
    {
        var verdict = _verdict;
        return verdict.By == authorities || verdict.Refusal is not null ? verdict : _verdict = CheckAgain(authorities);
    }

    /// <summary>The principal of a credential, as this certificate signs it in.</summary>
    /// <param name="known">Whose the credential is.</param>
    /// <param name="credential">The name that it has.</param>
    /// <param name="expiresAt">When the certificate ends.</param>
    public Principal PrincipalOf(KnownCredential known, string credential, DateTimeOffset expiresAt)
    {
        if (_owner is { } owner && owner.Known == known && owner.Principal.ExpiresAt == expiresAt) return owner.Principal;
        var principal = new Principal(known.Facts, known.Compiled, credential, expiresAt);
        _owner = new(known, principal);
        return principal;
    }

    private CertificateVerdict CheckAgain(TrustedAuthorities authorities)
    {
        using var own = X509CertificateLoader.LoadCertificate(_own);
        using var chain = new X509Chain { ChainPolicy = authorities.PolicyFor(PeerCheck.ClientAuthentication) };
        X509Certificate2[] above = [.. _above.Select(raw => X509CertificateLoader.LoadCertificate(raw))];
        chain.ChainPolicy.ExtraStore.AddRange(above);
        var errors = chain.Build(own) ? SslPolicyErrors.None : SslPolicyErrors.RemoteCertificateChainErrors;
        var verdict = CertificateVerdict.Of(own, chain, errors, authorities);
        foreach (var element in chain.ChainElements) element.Certificate.Dispose();
        foreach (var certificate in above) certificate.Dispose();
        return verdict;
    }
}
