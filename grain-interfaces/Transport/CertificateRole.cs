using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace OrleansKms.Transport;

/// <summary>The role of a certificate's holder in a cluster.</summary>
[Flags]
internal enum CertificateRole
{
    /// <summary>None: a certificate of the same authority for another purpose.</summary>
    None = 0,

    /// <summary><c>okms:silo</c>: a member, which holds keys.</summary>
    Silo = 1,

    /// <summary><c>okms:client</c>: a trusted service, with authority over every key.</summary>
    Client = 2,

    /// <summary>
    /// <c>okms:gateway</c>: a gateway, which may also ask who may sign in, and forward administrators' requests.
    /// </summary>
    Gateway = 4,

    /// <summary>The roles that may connect to the client port.</summary>
    AnyClient = Silo | Client | Gateway,
}

/// <summary>Reads the roles of a certificate from the URIs among its alternative names (RFC 5280, section 4.2.1.6).</summary>
internal static class CertificateRoles
{
    private const string AlternativeNames = "2.5.29.17";

    private static readonly (string Name, CertificateRole Role)[] _names =
        [("okms:silo", CertificateRole.Silo), ("okms:gateway", CertificateRole.Gateway), ("okms:client", CertificateRole.Client)];

    private static readonly Asn1Tag _uri = new(TagClass.ContextSpecific, 6);

    /// <summary>The roles that a certificate names; none if its alternative names are malformed or appear twice.</summary>
    public static CertificateRole Of(X509Certificate2 certificate)
    {
        var extensions = certificate.Extensions.Where(extension => extension.Oid?.Value == AlternativeNames).ToList();
        if (extensions.Count != 1) return CertificateRole.None;
        try
        {
            return Read(extensions[0].RawData);
        }
        catch (AsnContentException)
        {
            return CertificateRole.None;
        }
    }

    /// <summary>The roles as an operator reads them.</summary>
    public static string Describe(CertificateRole roles) => string.Join(" or ", _names.Where(name => (roles & name.Role) != 0).Select(name => name.Name));

    private static CertificateRole Read(byte[] names)
    {
        var roles = CertificateRole.None;
        var sequence = new AsnReader(names, AsnEncodingRules.DER).ReadSequence();
        while (sequence.HasData)
        {
            if (!sequence.PeekTag().HasSameClassAndValue(_uri))
            {
                sequence.ReadEncodedValue();
                continue;
            }
            var uri = sequence.ReadCharacterString(UniversalTagNumber.IA5String, _uri);
            roles |= Array.Find(_names, name => name.Name == uri).Role;
        }
        return roles;
    }
}
