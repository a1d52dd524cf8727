using System.Formats.Asn1;
using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Parameters;
using OrleansKms.Grains.Cryptography.Signatures;
using BigInteger = Org.BouncyCastle.Math.BigInteger;

namespace OrleansKms.Grains.Cryptography.Importing;

/// <summary>
/// RSA keys from outside: PKCS#8 around an RSAPrivateKey of two primes (RFC 8017, A.1.2), and SubjectPublicKeyInfo, in DER. Every number
/// is checked against the others (SP 800-56B, 6.4.1.2), since a key with a wrong one gives its primes away with a signature.
/// </summary>
/// <remarks>
/// BouncyCastle tests the primes, in memory that cannot be erased. It takes up to some seconds, so it is slow work.
/// </remarks>
internal static class RsaKeyImport
{
    private const string RsaEncryption = "1.2.840.113549.1.1.1";

    // By Miller and Rabin with random bases: a composite number that somebody chose passes with a probability of at most 2^-100.
    private const int Certainty = 100;

    private const uint MinExponent = 65537;
    private const uint MaxExponent = int.MaxValue;

    // The residues of keys that Infineon's library made (CVE-2017-15361, "ROCA"): modulo each of these primes they are powers of 65537.
    // One of 10^8 other keys has such residues, too.
    private static readonly int[] _rocaPrimes = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

    /// <summary>
    /// Whether a public exponent is one that keys may have: odd, at least 65537 (FIPS 186-5, A.1.1) and below 2^31, which every library
    /// takes.
    /// </summary>
    /// <param name="exponent">Big endian; may have leading zeros.</param>
    public static bool IsExponent(ReadOnlySpan<byte> exponent)
    {
        exponent = exponent.TrimStart((byte)0);
        if (exponent.Length is 0 or > sizeof(uint))
        {
            return false;
        }

        var value = 0u;
        foreach (var one in exponent)
        {
            value = (value << 8) | one;
        }

        return value is >= MinExponent and <= MaxExponent && (value & 1) == 1;
    }

    /// <summary>Checks a private key and puts it in the form of material that was made here.</summary>
    /// <param name="material">Any bytes.</param>
    /// <param name="bits">The length that the modulus must have.</param>
    /// <returns>The material, which the caller disposes; null where the bytes are not a sound private key of this length.</returns>
    public static SecretBytes? Private(ReadOnlySpan<byte> material, int bits)
    {
        try
        {
            if (!IsSound(material, bits))
            {
                return null;
            }

            using var key = RSA.Create();
            key.ImportPkcs8PrivateKey(material, out var read);
            return read == material.Length && key.KeySize == bits ? Pkcs8.Export(key) : null;
        }
        catch (Exception e) when (e is AsnContentException or CryptographicException)
        {
            return null;
        }
    }

    /// <summary>Whether bytes are a public key of this length, in the one form that it has.</summary>
    /// <param name="publicKey">Any bytes.</param>
    /// <param name="bits">The length that the modulus must have.</param>
    public static bool IsPublic(ReadOnlySpan<byte> publicKey, int bits)
    {
        try
        {
            using var key = RSA.Create();
            key.ImportSubjectPublicKeyInfo(publicKey, out var read);
            var numbers = key.ExportParameters(includePrivateParameters: false);
            return read == publicKey.Length && key.KeySize == bits && IsExponent(numbers.Exponent)
                && key.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(publicKey)
                && IsModulus(new(1, numbers.Modulus), new(1, numbers.Exponent));
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private static bool IsSound(ReadOnlySpan<byte> material, int bits)
    {
        var info = PrivateKeyInfo.Read(material);
        var parameters = info.Parameters;
        if (info.Algorithm != RsaEncryption || info.PublicKey.Length > 0)
        {
            return false;
        }

        parameters.Null();
        parameters.End();
        var outer = new DerReader(info.Key);
        var key = outer.Sequence();
        outer.End();
        if (key.Natural() is not [0])
        {
            return false;
        }

        var n = Read(ref key);
        var exponent = key.Natural();
        if (n.BitLength != bits || !IsExponent(exponent))
        {
            return false;
        }

        var e = new BigInteger(1, exponent);
        var d = Read(ref key);
        var (p, q) = (Read(ref key), Read(ref key));
        var (dp, dq, inverse) = (Read(ref key), Read(ref key), Read(ref key));
        return key.IsEmpty && IsModulus(n, e) && ArePrimes(p, q, n, bits) && Fit(e, d, p, q, dp, dq, inverse);
    }

    private static BigInteger Read(ref DerReader reader) => new(1, reader.Natural());

    private static bool ArePrimes(BigInteger p, BigInteger q, BigInteger n, int bits) =>
        p.BitLength == bits / 2 && q.BitLength == bits / 2
        && p.Multiply(q).Equals(n)

        // FIPS 186-5, A.1.3: primes that are close are found by Fermat's method.
        && p.Subtract(q).Abs().BitLength > (bits / 2) - 100
        && p.IsProbablePrime(Certainty) && q.IsProbablePrime(Certainty);

    private static bool Fit(BigInteger e, BigInteger d, BigInteger p, BigInteger q, BigInteger dp, BigInteger dq, BigInteger inverse)
    {
        var (p1, q1) = (p.Subtract(BigInteger.One), q.Subtract(BigInteger.One));
        var order = p1.Divide(p1.Gcd(q1)).Multiply(q1);
        var least = d.Mod(order);
        return e.Multiply(d).Mod(order).Equals(BigInteger.One)

            // A short exponent is found by Wiener's method; some libraries give one that is not the least.
            && least.BitLength > p.BitLength && d.CompareTo(p.Multiply(q)) < 0
            && dp.Equals(d.Mod(p1)) && dq.Equals(d.Mod(q1))
            && inverse.CompareTo(p) < 0 && inverse.Multiply(q).Mod(p).Equals(BigInteger.One);
    }

    private static bool IsModulus(BigInteger n, BigInteger e)
    {
        try
        {
            // It refuses moduli that are even, prime or have a small factor.
            _ = new RsaKeyParameters(isPrivate: false, n, e);
        }
        catch (ArgumentException)
        {
            return false;
        }

        return !Array.TrueForAll(_rocaPrimes, prime => IsPowerOf65537(n.Mod(BigInteger.ValueOf(prime)).IntValue, prime));
    }

    private static bool IsPowerOf65537(int residue, int prime)
    {
        var power = 1;
        do
        {
            if (power == residue)
            {
                return true;
            }

            power = power * (int)(MinExponent % (uint)prime) % prime;
        }
        while (power != 1);
        return false;
    }
}
