using System.Security.Cryptography;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>Published vectors of signatures that are made the same each time, and of the encodings of keys.</summary>
public sealed class SignatureVectorTests
{
    /// <summary>RFC 8032, 7.1, tests 1 to 3.</summary>
    [Theory]
    [InlineData(
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")]
    [InlineData(
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")]
    [InlineData(
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")]
    public async Task Ed25519_Rfc8032(string seed, string publicKey, string message, string signature)
    {
        using var pair = OfSeed(seed);
        Assert.Equal("302a300506032b6570032100" + publicKey, Convert.ToHexString(pair.PublicPart), ignoreCase: true);
        var item = new SignItem(Convert.FromHexString(message));
        Assert.Equal(signature, Convert.ToHexString(await pair.Sign(item)), ignoreCase: true);
        Assert.True(pair.Verify(item, Convert.FromHexString(signature)));
    }

    /// <summary>RFC 8032, 7.3.</summary>
    [Fact]
    public async Task Ed25519Ph_Rfc8032()
    {
        using var pair = OfSeed("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42");
        var item = new SignItem("abc"u8.ToArray(), Algorithm: "ED25519_PH");
        const string Signature = "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406";
        Assert.Equal(Signature, Convert.ToHexString(await pair.Sign(item)), ignoreCase: true);
        Assert.True(pair.Verify(item with { Data = SHA512.HashData("abc"u8), IsDigest = true }, Convert.FromHexString(Signature)));
    }

    /// <summary>A signature whose s is one order higher verifies by the bare equation, and is another encoding of the same (RFC 8032, 5.1.7).</summary>
    [Fact]
    public async Task Ed25519_SAboveTheOrder_IsNotValid()
    {
        using var pair = OfSeed("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        var item = new SignItem([]);
        var signature = await pair.Sign(item);
        var order = Convert.FromHexString("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
        for (int i = 0, carry = 0; i < 32; i++)
        {
            var sum = signature[32 + i] + order[i] + carry;
            signature[32 + i] = (byte)sum;
            carry = sum >> 8;
        }

        Assert.False(pair.Verify(item, signature));
    }

    /// <summary>The order of the curve less s is as good for the equation, and is not answered.</summary>
    [Fact]
    public async Task Secp256k1_TheHigherS_IsNeitherMadeNorValid()
    {
        using var pair = await SignaturePair.Make("ECC_SECG_P256K1");
        var item = new SignItem([1, 2, 3], Encoding: SignatureEncoding.P1363);
        var order = new System.Numerics.BigInteger(
            Convert.FromHexString("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141"), isUnsigned: true, isBigEndian: true);
        for (var i = 0; i < 32; i++)
        {
            var signature = await pair.Sign(item);
            var s = new System.Numerics.BigInteger(signature.AsSpan(32), isUnsigned: true, isBigEndian: true);
            Assert.True(s * 2 < order);
            Assert.True(pair.Verify(item, signature));
            var high = (order - s).ToByteArray(isUnsigned: true, isBigEndian: true);
            high.CopyTo(signature, 64 - high.Length);
            Assert.False(pair.Verify(item, signature));
        }
    }

    [Theory]
    [InlineData("ML_DSA_44", 54, 1334, 2420)]
    [InlineData("ML_DSA_65", 54, 1974, 3309)]
    [InlineData("ML_DSA_87", 54, 2614, 4627)]
    [InlineData("SLH_DSA_SHA2_128S", 84, 50, 7856)]
    [InlineData("SLH_DSA_SHA2_192S", 116, 66, 16224)]
    [InlineData("SLH_DSA_SHA2_256S", 150, 82, 29792)]
    public async Task PostQuantum_KeysAndSignatures_HaveTheLengthsOfTheStandard(string spec, int material, int publicKey, int signature)
    {
        using var pair = await SignaturePair.Make(spec);
        Assert.Equal(
            (material, publicKey, signature),
            ((await AlgorithmRegistry.Material(spec, 1)).Length, pair.PublicPart.Length, (await pair.Sign(new([1]))).Length));
    }

    private static SignaturePair OfSeed(string seed) =>
        SignaturePair.From(SignaturePair.Of("ED25519"), Convert.FromHexString("302e020100300506032b657004220420" + seed));
}
