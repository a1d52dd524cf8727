using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Digests;
using OrleansKms.Grains.Cryptography.Encapsulation;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>Published vectors of ML-KEM and X-Wing. What is long is compared by its SHA-256.</summary>
public sealed class EncapsulationVectorTests
{
    private const int Rounds = 100;

    /// <summary>
    /// Accumulated vectors (words.filippo.io/accumulated), as Go's crypto/mlkem has them: what one SHAKE-128 says to try, and another the
    /// digest of all that comes of it, here of a hundred keys. For 768 the digest is Go's (TestAccumulated, 100 rounds); for 512 and 1024
    /// those on which PQClean, kyber-py and CIRCL agree.
    /// </summary>
    [Theory]
    [InlineData("ML_KEM_512", "86b1b4703b8ffef6f7f3290c6dbce4ad954498a0673ded401a94828e8c519a59")]
    [InlineData("ML_KEM_768", "1114b1b6699ed191734fa339376afa7e285c9e6acf6ff0177d346696ce564415")]
    [InlineData("ML_KEM_1024", "800018fec3e2723f73f1d657fe239b4d5d8782efaade297e8cd448e54cc2ac00")]
    public void MlKem_Accumulated_Holds(string spec, string digest)
    {
        var algorithm = (MlKemAlgorithm)Implementations.Kem(spec, Implementations.Library);
        var (input, output) = (new ShakeDigest(128), new ShakeDigest(128));
        var ciphertext = new byte[algorithm.CiphertextLength];
        var (key, secret) = (new byte[algorithm.PublicKeyLength], new byte[32]);
        for (var i = 0; i < Rounds; i++)
        {
            var seed = Read(input, 64);
            algorithm.PublicOf(seed, key);
            output.BlockUpdate(key);
            using var encapsulates = algorithm.OpenPublic(key, bytes => Read(input, bytes.Length).CopyTo(bytes));
            encapsulates.Encapsulate(ciphertext, secret);
            output.BlockUpdate(ciphertext);
            output.BlockUpdate(secret);
            using var decapsulates = algorithm.OpenPrivate(seed);
            var found = new byte[32];
            decapsulates.Decapsulate(ciphertext, found);
            Assert.Equal(secret, found);
            decapsulates.Decapsulate(Read(input, ciphertext.Length), found);
            output.BlockUpdate(found);
        }

        Assert.Equal(digest, Convert.ToHexStringLower(Read(output, 32)));
    }

    /// <summary>
    /// The key generation and the decapsulations of the same vectors, which every implementation must make, through the material: the
    /// ciphertexts come from BouncyCastle's, since no other takes the randomness.
    /// </summary>
    [Theory]
    [MemberData(nameof(Implementations.Kems), MemberType = typeof(Implementations))]
    public void EveryImplementation_FindsWhatTheVectorsSay(string spec, string implementation)
    {
        var (algorithm, library) = (Implementations.Kem(spec, implementation), Implementations.Kem(spec, Implementations.Library));
        var input = new ShakeDigest(128);
        for (var i = 0; i < 10; i++)
        {
            var material = Material(algorithm, Read(input, spec == "X_WING" ? 32 : 64));
            using var pair = new KemPair(algorithm, material);
            using var theirs = new KemPair(library, material);
            Assert.Equal(theirs.PublicPart, pair.PublicPart);
            var random = Read(input, algorithm.CiphertextLength);
            Assert.Equal(theirs.Decapsulate(random), pair.Decapsulate(random));
            var (ciphertext, secret) = theirs.Encapsulate();
            Assert.Equal(secret, pair.Decapsulate(ciphertext));
        }
    }

    /// <summary>draft-connolly-cfrg-xwing-kem, appendix C (spec/test-vectors.json): all three.</summary>
    public static TheoryData<string, string, string, string, string, string> XWingVectors
    {
        get
        {
            var rows = new TheoryData<string, string, string, string, string, string>();
            foreach (var implementation in Implementations.Kems.Where(row => (string)row[0] == "X_WING").Select(row => (string)row[1]))
            {
                rows.Add(
                    implementation,
                    "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26",
                    "3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e235b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2",
                    "d2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384",
                    "2e816deebcd76c5c80d0cd2d174478871658e8e2ff42bc9d4a6e486372e856bb",
                    "17cd532d657e44c897ca6583e548a5424fc70bf54f99515a4d2bcf99e3469f33");
                rows.Add(
                    implementation,
                    "badfd6dfaac359a5efbb7bcc4b59d538df9a04302e10c8bc1cbf1a0b3a5120ea",
                    "17cda7cfad765f5623474d368ccca8af0007cd9f5e4c849f167a580b14aabdefaee7eef47cb0fca9767be1fda69419dfb927e9df07348b196691abaeb580b32d",
                    "f2e86241c64d60f6649fbc6c5b7d17180b780a3f34355e64a85749949c45f150",
                    "c42ba5f8430d7d2c83739338203819f090e8303ce9c8b02107c272bfa5376916",
                    "1661ea86d608a1924ba30840cb0a65f13ae051e3aec9cf0f064efc0bc92f2154");
                rows.Add(
                    implementation,
                    "ef58538b8d23f87732ea63b02b4fa0f4873360e2841928cd60dd4cee8cc0d4c9",
                    "22a96188d032675c8ac850933c7aff1533b94c834adbb69c6115bad4692d8619f90b0cdf8a7b9c264029ac185b70b83f2801f2f4b3f70c593ea3aeeb613a7f1b",
                    "953f7f4e8c5b5049bdc771d1dffada0dd961477d1a2ae0988baa7ea6898d893f",
                    "6b080d6b84f095342092fa7a22423e58bd681397ad0ef00eac92bd254db4fa95",
                    "d3ca5578500344b5896cffc4fd740c9311946b82951df155e6fd86a7966b43c6");
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(XWingVectors))]
    public void XWing_TheDraft_Holds(string implementation, string seed, string randomness, string secret, string publicKey, string ciphertext)
    {
        var algorithm = (XWingAlgorithm)Implementations.Kem("X_WING", implementation);
        var key = new byte[1216];
        algorithm.PublicOf(Convert.FromHexString(seed), key);
        Assert.Equal(publicKey, Convert.ToHexStringLower(SHA256.HashData(key)));

        // BouncyCastle's ML-KEM takes the randomness, the platform's does not.
        var library = (XWingAlgorithm)Implementations.Kem("X_WING", Implementations.Library);
        var random = new MemoryStream(Convert.FromHexString(randomness));
        using var encapsulates = library.OpenPublic(key, bytes => random.ReadExactly(bytes));
        var (made, found) = (new byte[1120], new byte[32]);
        encapsulates.Encapsulate(made, found);
        Assert.Equal((secret, ciphertext), (Convert.ToHexStringLower(found), Convert.ToHexStringLower(SHA256.HashData(made))));

        using var pair = new KemPair(algorithm, Material(algorithm, Convert.FromHexString(seed)));
        Assert.Equal(secret, Convert.ToHexStringLower(pair.Decapsulate(made)!));
    }

    /// <summary>The draft's example of a private key in PKCS#8 and of its public key (x509/xwing.priv, xwing.pub).</summary>
    [Fact]
    public void XWing_EncodingsOfTheDraft_AreOurs()
    {
        var algorithm = KemPair.Of("X_WING");
        var material = Convert.FromBase64String("MDQCAQAwDQYLKwYBBAGD5i2ByHoEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f");
        Assert.True(algorithm.Accepts(material));
        Assert.Equal(
            "11f463e56a32c42e69011a2c34e0487090b71b07be7356a91f5b9452ca3c0695",
            Convert.ToHexStringLower(SHA256.HashData(algorithm.PublicPart(material)!)));
    }

    private static byte[] Material(KemAlgorithm algorithm, byte[] seed)
    {
        using var any = algorithm.NewMaterial().AsTask().GetAwaiter().GetResult();
        byte[] material = [.. any.Span[..^seed.Length], .. seed];
        Assert.True(algorithm.Accepts(material));
        return material;
    }

    private static byte[] Read(ShakeDigest stream, int length)
    {
        var bytes = new byte[length];
        stream.Output(bytes.AsSpan());
        return bytes;
    }
}
