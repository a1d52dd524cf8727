using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using OrleansKms.Transport;

namespace OrleansKms.Gateway.Access;

/// <summary>What became of checking a client's certificate.</summary>
/// <param name="By">The authorities that it was checked against.</param>
/// <param name="Refusal">Why it is not accepted, in words that complete a sentence about it; null if it is.</param>
/// <param name="NotBefore">From when on it and all above it are valid.</param>
/// <param name="NotAfter">When it, or the first one above it, ends.</param>
internal sealed record CertificateVerdict(TrustedAuthorities By, string? Refusal, DateTimeOffset NotBefore, DateTimeOffset NotAfter)
{
    /// <summary>Reads the verdict from a chain that the platform has built.</summary>
    /// <param name="certificate">The client's own certificate.</param>
    /// <param name="chain">Its chain to one of the authorities, as far as there is one; null for none.</param>
    /// <param name="errors">What the platform found.</param>
    /// <param name="by">The authorities.</param>
    public static CertificateVerdict Of(X509Certificate2 certificate, X509Chain? chain, SslPolicyErrors errors, TrustedAuthorities by)
    {
        var all = chain?.ChainElements.Select(element => element.Certificate).ToArray() ?? [];
        return new(
            by,
            ReasonOf(certificate, chain, errors),
            all.Select(one => (DateTimeOffset)one.NotBefore).DefaultIfEmpty(DateTimeOffset.MaxValue).Max(),
            all.Select(one => (DateTimeOffset)one.NotAfter).DefaultIfEmpty(DateTimeOffset.MinValue).Min());
    }

    /// <summary>Why it is not accepted at a time; null if it is.</summary>
    public string? RefusalAt(DateTimeOffset now) =>
        Refusal ?? (now >= NotAfter ? "has expired" : now < NotBefore ? "is not valid yet" : null);

    private static string? ReasonOf(X509Certificate2 certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors != SslPolicyErrors.None || chain is null)
        {
            return PeerCheck.DescribeStatus((chain?.ChainStatus ?? []).Aggregate(X509ChainStatusFlags.NoError, (all, one) => all | one.Status));
        }

        return PeerCheck.AllowsUsage(certificate, PeerCheck.ClientAuthentication)
            ? null
            : $"lacks the extended key usage {PeerCheck.ClientAuthentication.FriendlyName}";
    }
}
