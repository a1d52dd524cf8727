using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>The numbers of an RSA key, sound or not, and what a file of them would be.</summary>
internal sealed record RsaNumbers(BigInteger N, BigInteger E, BigInteger D, BigInteger P, BigInteger Q, BigInteger Dp, BigInteger Dq, BigInteger Inverse)
{
    private const string RsaEncryption = "1.2.840.113549.1.1.1";

    internal static RsaNumbers New(int bits)
    {
        using var rsa = RSA.Create(bits);
        var p = rsa.ExportParameters(true);
        return new(Of(p.Modulus), Of(p.Exponent), Of(p.D), Of(p.P), Of(p.Q), Of(p.DP), Of(p.DQ), Of(p.InverseQ));
    }

    /// <summary>A key whose numbers fit two factors, which need not be primes.</summary>
    /// <param name="p">A factor.</param>
    /// <param name="q">A factor.</param>
    /// <param name="e">The public exponent, or null for 65537.</param>
    /// <param name="d">The private exponent; null for the least one.</param>
    internal static RsaNumbers From(BigInteger p, BigInteger q, BigInteger? e = null, BigInteger? d = null)
    {
        var order = (p - 1) * (q - 1) / BigInteger.GreatestCommonDivisor(p - 1, q - 1);
        if (d is { } chosen && e is null) e = Inverted(chosen, order);
        var exponent = e ?? 65537;
        var secret = d ?? Inverted(exponent, order);
        return new(p * q, exponent, secret, p, q, secret % (p - 1), secret % (q - 1), Inverted(q, p));
    }

    internal static BigInteger Inverted(BigInteger value, BigInteger modulus)
    {
        var (a, b, x, y) = (value % modulus, modulus, BigInteger.One, BigInteger.Zero);
        while (!b.IsZero)
        {
            (var quotient, a, b) = (a / b, b, a % b);
            (x, y) = (y, x - (quotient * y));
        }

        Assert.Equal(BigInteger.One, a);
        return ((x % modulus) + modulus) % modulus;
    }

    internal static bool IsPrime(BigInteger value) => new Org.BouncyCastle.Math.BigInteger(value.ToString(System.Globalization.CultureInfo.InvariantCulture)).IsProbablePrime(40);

    /// <summary>A random prime of exactly so many bits, the two highest of which are set.</summary>
    internal static BigInteger Prime(int bits, Func<BigInteger, bool>? also = null)
    {
        while (true)
        {
            using var rsa = RSA.Create(2 * bits);
            var prime = Of(rsa.ExportParameters(true).P);
            if (also?.Invoke(prime) != false) return prime;
        }
    }

    /// <summary>PKCS#8.</summary>
    /// <param name="version">The version in RSAPrivateKey.</param>
    /// <param name="oid">The algorithm.</param>
    /// <param name="hasNull">Whether the algorithm has its parameters.</param>
    /// <param name="after">Writes what follows the last number.</param>
    /// <param name="outer">Writes what follows the key in PKCS#8.</param>
    internal byte[] Pkcs8(int version = 0, string oid = RsaEncryption, bool hasNull = true, Action<AsnWriter>? after = null, Action<AsnWriter>? outer = null)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(0);
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(oid);
                if (hasNull) writer.WriteNull();
            }

            writer.WriteOctetString(Pkcs1(version, after));
            outer?.Invoke(writer);
        }

        return writer.Encode();
    }

    /// <summary>RSAPrivateKey alone.</summary>
    internal byte[] Pkcs1(int version = 0, Action<AsnWriter>? after = null)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(version);
            foreach (var number in (BigInteger[])[N, E, D, P, Q, Dp, Dq, Inverse]) writer.WriteInteger(number);
            after?.Invoke(writer);
        }

        return writer.Encode();
    }

    /// <summary>SubjectPublicKeyInfo.</summary>
    internal byte[] Spki(string oid = RsaEncryption)
    {
        var inner = new AsnWriter(AsnEncodingRules.DER);
        using (inner.PushSequence())
        {
            inner.WriteInteger(N);
            inner.WriteInteger(E);
        }

        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(oid);
                writer.WriteNull();
            }

            writer.WriteBitString(inner.Encode());
        }

        return writer.Encode();
    }

    private static BigInteger Of(byte[]? bytes) => new(bytes, isUnsigned: true, isBigEndian: true);
}
