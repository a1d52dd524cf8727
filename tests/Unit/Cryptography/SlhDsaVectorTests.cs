using OrleansKms.Grains.Cryptography.Signatures;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>
/// SLH-DSA against NIST's ACVP vectors of its key generation (SLH-DSA-keyGen-FIPS205: the first two of each set), whose roots are the trees
/// by which everything is signed. @noble/post-quantum verifies the signatures (<see cref="NobleSignatureTests"/>).
/// </summary>
public sealed class SlhDsaVectorTests
{
    /// <summary>SK.seed, SK.prf and PK.seed, and the root that they make.</summary>
    public static TheoryData<string, string, string> Keys => new()
    {
        {
            "SLH_DSA_SHA2_128S",
            "AA9CC7DCA491FC86BCB15A709A15E9B3905C800B6E2FB9B54B6B050EE5E4DE9AFA5464D1C661FED38B2A51CA3EAE71BA",
            "CAE3D1865215E3D3850E8C1B8292BF42"
        },
        {
            "SLH_DSA_SHA2_128S",
            "6DA324B47C1D24DA378B55FCEA263FFDA361BFCBB9D323F810B0FFF854F22B89A2F150C9E9FE2DF741887FD9DE9C69B5",
            "AE2C1522FB1A5C903A719B01CAD2D67F"
        },
        {
            "SLH_DSA_SHA2_192S",
            "442E446E73330AFB98704656328F4DD7334F8A9AB4D92CBE790F91C2E92A81AFEE0A7EC45A3D609346276F5A328755A17DD41608F59E492668D81D03441394FE7A8E7E58705D7632",
            "BA8BC66D04C99EE5C721E4FF4BBE7815CCF923E81E10C475"
        },
        {
            "SLH_DSA_SHA2_192S",
            "C4D462D66A8C00A70DCC01415EC3BD35AB9C8718A5A98D61C43C27677EBDC29F619862922C248EF84F0A5EE3C3AAC060447BA0DDB26574B3D7C8D8DD5744E5B8FE75C4F7A3FF7832",
            "98D97C0F31FC08E625CBE5187C26ECBDF54F206F598970C6"
        },
        {
            "SLH_DSA_SHA2_256S",
            "AE6CA8664EC0B9179D4E33C4DEFE01FCD589F60BA4502FE7416F2ACD96E139F13FDA2069147F44EABD5BBF29C74A20CB0F0CC2A12BAB5834B773530AF504900A134D5ED3C60B46344A84A45D4683B1AC55FB22886BA9478EA9CA93F27B9AA2C2",
            "7C5C9908F086E57956F85DE84B438EF1F082CD176DFF3C5B8BE710BC8699A143"
        },
        {
            "SLH_DSA_SHA2_256S",
            "CD17302508C8DD4C3FC1E47479E575D5FBD4B955814AA61CD2DDA06A82284143ECADD4D88C36E87F5E3024AEA4A4DCE24D7E1E39E53C5962C92404B3C79AEADA8EF097CECB483CB9B61E728B48267B5F2D06DCA71B171C51D1470D1E6BA67D8F",
            "FA10843D854D1F96C44347AD0A1DE33B17CC27E624D57EDC65D9F58E6EF0FE91"
        },
    };

    [Theory]
    [MemberData(nameof(Keys))]
    public void Acvp_KeyGeneration_Holds(string spec, string seeds, string root)
    {
        var algorithm = (SlhDsaAlgorithm)SignaturePair.Of(spec);
        var random = new MemoryStream(Convert.FromHexString(seeds));
        using var material = algorithm.Make(bytes => random.ReadExactly(bytes));
        Assert.Equal(seeds.Length / 2, random.Position);
        Assert.EndsWith(seeds + root, Convert.ToHexString(material.Span), StringComparison.Ordinal);
        Assert.EndsWith(seeds[^(seeds.Length / 3)..] + root, Convert.ToHexString(algorithm.PublicPart(material.Span)!), StringComparison.Ordinal);
    }

    /// <summary>PK.seed instead of randomness makes the deterministic variant (FIPS 205, 9.2): a signature that a key makes again, and that is valid.</summary>
    [Fact]
    public async Task Deterministic_IsTheSameAgain_AndHedgedAnother()
    {
        var (_, seeds, root) = ((string)Keys.First()[0], (string)Keys.First()[1], (string)Keys.First()[2]);
        var key = Convert.FromHexString(seeds + root);
        var (parameters, input) = (Org.BouncyCastle.Crypto.Parameters.SlhDsaParameters.slh_dsa_sha2_128s, SignatureInput.Of(SlhDsaAlgorithm.Of128S.Schemes, new([1, 2, 3])));
        using var signs = SlhDsaKey.Private(parameters, key, bytes => key.AsSpan(32, 16).CopyTo(bytes));
        var signature = signs.Sign(input, [1, 2, 3]);
        Assert.Equal(signature, signs.Sign(input, [1, 2, 3]));
        using var material = SlhDsaAlgorithm.Of128S.Make(new MemoryStream(key).ReadExactly);
        using var pair = SignaturePair.From(SlhDsaAlgorithm.Of128S, material.Span);
        Assert.True(pair.Verify(new([1, 2, 3]), signature));
        Assert.NotEqual(signature, await pair.Sign(new([1, 2, 3])));
    }
}
