using System.Diagnostics.CodeAnalysis;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OrleansKms.Transport;

/// <summary>Decides for one handshake whether to accept the other side, and remembers why not.</summary>
/// <param name="accepted">The roles of which its certificate must name one.</param>
/// <param name="usage">The extended key usage that it needs.</param>
internal sealed class PeerCheck(CertificateRole accepted, Oid usage)
{
    /// <summary>TLS server authentication (RFC 5280, section 4.2.1.12).</summary>
    public static Oid ServerAuthentication { get; } = new("1.3.6.1.5.5.7.3.1", "serverAuth");

    /// <summary>TLS client authentication.</summary>
    public static Oid ClientAuthentication { get; } = new("1.3.6.1.5.5.7.3.2", "clientAuth");

    /// <summary>The extended key usage that the other side's certificate needs.</summary>
    public Oid Usage { get; } = usage;

    /// <summary>Why the other side was refused; null if it was not.</summary>
    public string? Refusal { get; private set; }

    /// <summary>
    /// Whether a certificate names a usage. One that names none is valid for all usages by the standard; here it is valid for
    /// none.
    /// </summary>
    public static bool AllowsUsage(X509Certificate2 certificate, Oid usage) =>
        certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>()
            .Any(extension => extension.EnhancedKeyUsages.Cast<Oid>().Any(named => named.Value == usage.Value));

    /// <summary>The platform's callback during the handshake.</summary>
    /// <param name="sender">Not used.</param>
    /// <param name="certificate">The other side's certificate, if it showed one.</param>
    /// <param name="chain">Its chain to one of our authorities, as far as there is one.</param>
    /// <param name="errors">What the platform found.</param>
    [SuppressMessage("Style", "IDE0060", Justification = "The platform calls it so.")]
    public bool Accept(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        Refusal = certificate is X509Certificate2 shown && !errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable)
            ? RefusalOf(shown, chain, errors)
            : "it showed no certificate";
        return Refusal is null;
    }

    private string? RefusalOf(X509Certificate2 certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        var reason = ReasonOf(certificate, chain, errors);
        return reason is null ? null : $"its certificate ({certificate.Subject}) {reason}";
    }

    private string? ReasonOf(X509Certificate2 certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        // Names are of machines, which come and go; the role decides, at any address.
        if ((errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) != SslPolicyErrors.None || chain is null)
        {
            var status = (chain?.ChainStatus ?? []).Aggregate(X509ChainStatusFlags.NoError, (all, one) => all | one.Status);
            return DescribeStatus(status);
        }
        if (!AllowsUsage(certificate, Usage)) return $"lacks the extended key usage {Usage.FriendlyName}";
        return (CertificateRoles.Of(certificate) & accepted) == 0
            ? $"lacks the role {CertificateRoles.Describe(accepted)}"
            : null;
    }

    /// <summary>What is wrong with a chain, in words that complete a sentence about the certificate.</summary>
    public static string DescribeStatus(X509ChainStatusFlags status) =>
        // One of another authority with the same name as a trusted one has a signature that is not valid.
        (status & (X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.NotSignatureValid)) != 0 ? "comes from no trusted authority"
        : status == X509ChainStatusFlags.NotTimeValid ? "has expired or is not valid yet"
        : $"is not valid ({status})";
}
