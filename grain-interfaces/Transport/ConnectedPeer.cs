using System.Security.Cryptography.X509Certificates;

namespace OrleansKms.Transport;

/// <summary>The other end of a connection, by the certificate that it showed last.</summary>
internal sealed class ConnectedPeer
{
    private ConnectedPeer(string name, CertificateRole roles) => (Name, Roles) = (name, roles);

    /// <summary>Raised when it has shown another certificate.</summary>
    public event Action? Changed;

    /// <summary>The name in its certificate.</summary>
    public string Name { get; private set; }

    /// <summary>The digest of that name, to which its id is bound; null without certificates.</summary>
    public string? NameDigest { get; private set; }

    /// <summary>Its roles.</summary>
    public CertificateRole Roles { get; private set; }

    /// <summary>The roles as an operator reads them.</summary>
    public string RoleNames => CertificateRoles.Describe(Roles);

    /// <summary>When its certificate ends.</summary>
    public DateTimeOffset NotAfter { get; private set; } = DateTimeOffset.MaxValue;

    /// <summary>A peer on a port that requires no certificates.</summary>
    public static ConnectedPeer Unknown() => new("without a certificate", CertificateRole.Gateway);

    /// <summary>A peer whose certificate was accepted.</summary>
    public static ConnectedPeer Of(X509Certificate2 certificate)
    {
        var peer = new ConnectedPeer("", CertificateRole.None);
        peer.Take(certificate);
        return peer;
    }

    /// <summary>Takes over another accepted certificate of the peer.</summary>
    public void Take(X509Certificate2 certificate)
    {
        Name = certificate.Subject;
        NameDigest = BoundClientId.DigestOf(certificate);
        Roles = CertificateRoles.Of(certificate);
        NotAfter = certificate.NotAfter;
        Changed?.Invoke();
    }
}
