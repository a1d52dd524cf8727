using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OrleansKms.Transport;

/// <summary>The certificate authorities in one PEM file. Nobody else is trusted, and those of the system neither. Immutable.</summary>
internal sealed class TrustedAuthorities
{
    private const string BeginCertificate = "-----BEGIN CERTIFICATE-----";

    private readonly X509Certificate2Collection _authorities;

    private TrustedAuthorities(X509Certificate2Collection authorities) => _authorities = authorities;

    /// <summary>Makes the exception that says why a file cannot be used.</summary>
    /// <param name="why">Completes a sentence about the file.</param>
    /// <param name="cause">What was thrown; null for nothing.</param>
    public delegate Exception Unusable(string why, Exception? cause = null);

    /// <summary>Reads the authorities of a file.</summary>
    /// <param name="pem">What the file holds.</param>
    /// <param name="unusable">Names the file in an error.</param>
    public static TrustedAuthorities Read(string pem, Unusable unusable)
    {
        var authorities = ReadCertificates(pem, unusable);
        // A certificate in the trust store needs no issuer, so anything other than an authority would admit itself.
        return authorities.FirstOrDefault(certificate => !IsAuthority(certificate)) is { } stray
            ? throw unusable($"holds a certificate that is not an authority's: {stray.Subject}")
            : new(authorities);
    }

    /// <summary>Reads the certificates of a file, at least one.</summary>
    /// <inheritdoc cref="Read"/>
    public static X509Certificate2Collection ReadCertificates(string pem, Unusable unusable)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(pem);
        }
        catch (CryptographicException e)
        {
            throw unusable("holds a certificate that cannot be read.", e);
        }

        if (certificates.Count == 0) throw unusable("holds no certificate in PEM.");
        // The platform ignores a block without an end, which is how a half-written file looks.
        return certificates.Count == pem.Split(BeginCertificate).Length - 1 ? certificates : throw unusable("is incomplete.");
    }

    /// <summary>
    /// How to check one certificate against the authorities. A new policy each time: the platform adds the peer's intermediate
    /// certificates to it.
    /// </summary>
    /// <param name="usage">The extended key usage that it needs.</param>
    public X509ChainPolicy PolicyFor(Oid usage)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            // There is nothing to query: the authority is private, and certificates are short-lived instead.
            RevocationMode = X509RevocationMode.NoCheck,
            // Otherwise a stranger's certificate could name addresses to fetch from.
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(_authorities);
        policy.ApplicationPolicy.Add(usage);
        return policy;
    }

    private static bool IsAuthority(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(constraints => constraints.CertificateAuthority)
        && certificate.Extensions.OfType<X509KeyUsageExtension>()
            .All(usage => usage.KeyUsages.HasFlag(X509KeyUsageFlags.KeyCertSign));
}
