using System.Formats.Asn1;

namespace OrleansKms.Grains.Cryptography.Importing;

/// <summary>What stands in a PKCS#8 structure (PrivateKeyInfo or OneAsymmetricKey; RFC 5958, 2), in DER.</summary>
internal readonly ref struct PrivateKeyInfo
{
    private PrivateKeyInfo(string algorithm, DerReader parameters, ReadOnlySpan<byte> key, ReadOnlySpan<byte> publicKey)
    {
        Algorithm = algorithm;
        Parameters = parameters;
        Key = key;
        PublicKey = publicKey;
    }

    /// <summary>The algorithm's object identifier.</summary>
    public string Algorithm { get; }

    /// <summary>The algorithm's parameters, to be read to their end.</summary>
    public DerReader Parameters { get; }

    /// <summary>The private key, in the algorithm's own form.</summary>
    public ReadOnlySpan<byte> Key { get; }

    /// <summary>The public key that goes with it; empty where there is none.</summary>
    public ReadOnlySpan<byte> PublicKey { get; }

    /// <summary>Reads a structure. Its attributes, which only describe the key, are skipped.</summary>
    /// <param name="der">The whole of it.</param>
    /// <exception cref="AsnContentException">It is none, or not in DER.</exception>
    public static PrivateKeyInfo Read(ReadOnlySpan<byte> der)
    {
        var outer = new DerReader(der);
        var info = outer.Sequence();
        outer.End();
        if (info.Natural() is not [var version and (0 or 1)])
        {
            throw new AsnContentException();
        }

        var parameters = info.Sequence();
        var algorithm = parameters.ObjectIdentifier();
        var key = info.OctetString();
        if (info.IsNext(0))
        {
            info.Skip();
        }

        // The version says whether a public key follows.
        var publicKey = version == 1 ? info.Bytes(new Asn1Tag(TagClass.ContextSpecific, 1)) : [];
        info.End();
        return new(algorithm, parameters, key, publicKey);
    }

    /// <summary>Reads a private key that is a string of one length, without parameters, such as RFC 8410 and RFC 9881 have it.</summary>
    /// <param name="der">Any bytes.</param>
    /// <param name="algorithm">The algorithm's object identifier.</param>
    /// <param name="inner">The tag under which the string stands in the octet string; null for itself.</param>
    /// <param name="key">The string, of any length.</param>
    /// <param name="publicKey">The public key that goes with it; empty where there is none.</param>
    public static bool TryReadString(
        ReadOnlySpan<byte> der, string algorithm, Asn1Tag? inner, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> publicKey)
    {
        key = publicKey = default;
        try
        {
            var info = Read(der);
            if (info.Algorithm != algorithm || !info.Parameters.IsEmpty)
            {
                return false;
            }

            publicKey = info.PublicKey;
            if (inner is not { } tag)
            {
                key = info.Key;
                return true;
            }

            var reader = new DerReader(info.Key);
            key = reader.OctetString(tag);
            return reader.IsEmpty;
        }
        catch (AsnContentException)
        {
            return false;
        }
    }
}
