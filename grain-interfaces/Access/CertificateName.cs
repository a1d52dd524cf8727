using System.Buffers;
using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace OrleansKms;

/// <summary>
/// The names by which client certificates sign in: the URIs and DNS names among their subject alternative names (RFC 5280, section
/// 4.2.1.6). A URI has a colon and a DNS name none, so neither can pose as the other.
/// </summary>
internal static class CertificateName
{
    /// <summary>What a name may be, in the words of errors.</summary>
    public const string Rule = "URIs or lower-case DNS names, as in the certificate's subject alternative names";

    private const string AlternativeNames = "2.5.29.17";

    // Roles in a cluster, which say nothing of who signs in over HTTP.
    private const string RolePrefix = "okms:";

    private static readonly SearchValues<char> _dns = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789.-_*");
    private static readonly SearchValues<char> _scheme = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+.-");
    private static readonly Asn1Tag _dnsTag = new(TagClass.ContextSpecific, 2);
    private static readonly Asn1Tag _uriTag = new(TagClass.ContextSpecific, 6);

    /// <summary>Whether a principal can have the name.</summary>
    public static bool IsValid(ReadOnlySpan<char> name) => IsDns(name) || IsUri(name);

    /// <summary>
    /// The names of a certificate, in its order, each once; those that no principal can have are left out. None if its alternative
    /// names are malformed or appear twice.
    /// </summary>
    public static IReadOnlyList<string> Of(X509Certificate2 certificate)
    {
        var extensions = certificate.Extensions.Where(extension => extension.Oid?.Value == AlternativeNames).ToList();
        if (extensions.Count != 1) return [];
        try
        {
            return [.. Read(extensions[0].RawData).Distinct(StringComparer.Ordinal)];
        }
        catch (AsnContentException)
        {
            return [];
        }
    }

    private static List<string> Read(byte[] extension)
    {
        var names = new List<string>();
        var sequence = new AsnReader(extension, AsnEncodingRules.DER).ReadSequence();
        while (sequence.HasData)
        {
            var tag = sequence.PeekTag();
            if (tag.HasSameClassAndValue(_dnsTag))
            {
                var name = sequence.ReadCharacterString(UniversalTagNumber.IA5String, _dnsTag).ToLowerInvariant();
                if (IsDns(name)) names.Add(name);
            }
            else if (tag.HasSameClassAndValue(_uriTag))
            {
                var name = sequence.ReadCharacterString(UniversalTagNumber.IA5String, _uriTag);
                if (IsUri(name)) names.Add(name);
            }
            else
            {
                sequence.ReadEncodedValue();
            }
        }

        return names;
    }

    private static bool IsDns(ReadOnlySpan<char> name) => name.Length is > 0 and <= KmsLimits.IdentityLength && !name.ContainsAnyExcept(_dns);

    private static bool IsUri(ReadOnlySpan<char> name)
    {
        var colon = name.IndexOf(':');
        return name.Length <= KmsLimits.IdentityLength && colon > 0 && colon < name.Length - 1
            && char.IsAsciiLetter(name[0]) && !name[..colon].ContainsAnyExcept(_scheme)
            && !name.ContainsAnyExceptInRange('!', '~') && !name.StartsWith(RolePrefix, StringComparison.OrdinalIgnoreCase);
    }
}
