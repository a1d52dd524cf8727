using Org.BouncyCastle.Crypto.Digests;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Signatures;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>The accumulated vectors of ML-DSA (C2SP/CCTV, ML-DSA/accumulated): keys and deterministic signatures of a hundred seeds.</summary>
public sealed class MlDsaVectorTests
{
    private const int Rounds = 100;

    [Theory]
    [InlineData("ML_DSA_44", 1312, "d51148e1f9f4fa1a723a6cf42e25f2a99eb5c1b378b3d2dbbd561b1203beeae4")]
    [InlineData("ML_DSA_65", 1952, "8358a1843220194417cadbc2651295cd8fc65125b5a5c1a239a16dc8b57ca199")]
    [InlineData("ML_DSA_87", 2592, "8c3ad714777622b8f21ce31bb35f71394f23bc0fcf3c78ace5d608990f3b061b")]
    public void Accumulated_Holds(string spec, int keyLength, string digest)
    {
        var algorithm = (MlDsaAlgorithm)Implementations.Signature(spec, Implementations.Library);
        var input = SignatureInput.Of(algorithm.Schemes, new([]));
        var (seeds, output) = (new ShakeDigest(128), new ShakeDigest(128));
        for (var i = 0; i < Rounds; i++)
        {
            var seed = new byte[32];
            seeds.Output(seed.AsSpan());
            var part = algorithm.PublicPart(Material(algorithm, seed))!;
            output.BlockUpdate(part.AsSpan(part.Length - keyLength));

            // Zeros instead of randomness make the deterministic variant (FIPS 204, 3.4).
            using var key = algorithm.OpenSeed(seed, bytes => bytes.Clear());
            var signature = key.Sign(input, []);
            output.BlockUpdate(signature);
            using var verifies = algorithm.OpenPublic(KeyUsage.SignVerify, 1, part)!.Require<IVerifies>();
            Assert.True(verifies.Verify(input, signature), $"round {i}");
        }

        var sum = new byte[32];
        output.Output(sum.AsSpan());
        Assert.Equal(digest, Convert.ToHexStringLower(sum));
    }

    /// <summary>The keys of the same seeds, by every implementation; signatures are hedged, so that each verifies what the other makes.</summary>
    [Theory]
    [MemberData(nameof(Implementations.Signatures), MemberType = typeof(Implementations))]
    public async Task EveryImplementation_MakesTheKeysOfTheVectors(string spec, string implementation)
    {
        var (algorithm, library) = (Implementations.Signature(spec, implementation), Implementations.Signature(spec, Implementations.Library));
        var seeds = new ShakeDigest(128);
        for (var i = 0; i < 10; i++)
        {
            var seed = new byte[32];
            seeds.Output(seed.AsSpan());
            var material = Material(algorithm, seed);
            using var pair = SignaturePair.From(algorithm, material);
            using var theirs = SignaturePair.From(library, material);
            Assert.Equal(theirs.PublicPart, pair.PublicPart);
            Assert.True(theirs.Verify(new([1]), await pair.Sign(new([1]))));
            Assert.True(pair.Verify(new([1]), await theirs.Sign(new([1]))));
        }
    }

    private static byte[] Material(SignatureAlgorithm algorithm, byte[] seed)
    {
        using var any = algorithm.NewMaterial().AsTask().GetAwaiter().GetResult();
        byte[] material = [.. any.Span[..^seed.Length], .. seed];
        Assert.True(algorithm.Accepts(material));
        return material;
    }
}
