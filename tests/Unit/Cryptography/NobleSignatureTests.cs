using System.Security.Cryptography;
using System.Text.Json;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>Signatures against those of @noble/curves and @noble/post-quantum, independent implementations in JavaScript, both ways.</summary>
public sealed class NobleSignatureTests
{
    private static readonly byte[] _message = "between two implementations"u8.ToArray();

    [Theory]
    [InlineData("ECC_NIST_P256", 32)]
    [InlineData("ECC_NIST_P384", 48)]
    [InlineData("ECC_NIST_P521", 66)]
    [InlineData("ECC_SECG_P256K1", 32)]
    public async Task Ecdsa_NobleVerifiesOurs_AndWeVerifyItsOwn(string spec, int length)
    {
        using var pair = await SignaturePair.Make(spec);
        var item = new SignItem(_message, Encoding: SignatureEncoding.P1363);
        var digest = CryptographicOperations.HashData(pair.Signs.Schemes[0].Hash!.Value, _message);
        using var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(await AlgorithmRegistry.Material(spec, 1), out _);
        await Agree(spec, pair, item, key.ExportParameters(includePrivateParameters: true).D!, pair.PublicPart[^(2 * length + 1)..], digest);
    }

    [Theory]
    [InlineData("ED25519", 32)]
    [InlineData("ML_DSA_44", 1312)]
    [InlineData("ML_DSA_65", 1952)]
    [InlineData("ML_DSA_87", 2592)]
    public async Task Noble_VerifiesOurs_AndWeVerifyItsOwn(string spec, int length)
    {
        using var pair = await SignaturePair.Make(spec);
        var material = await AlgorithmRegistry.Material(spec, 1);
        var item = new SignItem(_message, Context: pair.Signs.Schemes[0].HasContext ? [1, 2, 3] : null);
        await Agree(spec, pair, item, material[^32..], pair.PublicPart[^length..], _message);
    }

    // Signing takes noble many seconds.
    [Theory]
    [InlineData("SLH_DSA_SHA2_128S", 32)]
    [InlineData("SLH_DSA_SHA2_192S", 48)]
    [InlineData("SLH_DSA_SHA2_256S", 64)]
    public async Task SlhDsa_NobleVerifiesOurs(string spec, int length)
    {
        using var pair = await SignaturePair.Make(spec);
        var signature = await pair.Sign(new(_message, Context: [1, 2, 3]));
        Assert.Equal([true, false], (await Noble(
            Case(spec, pair.PublicPart[^length..], _message, [1, 2, 3], signature),
            Case(spec, pair.PublicPart[^length..], _message, [1, 2], signature))).Select(valid => valid.GetBoolean()));
    }

    private static async Task Agree(string spec, SignaturePair pair, SignItem item, byte[] privateKey, byte[] publicKey, byte[] signed)
    {
        var context = item.Context ?? [];
        var signature = await pair.Sign(item);
        var answers = await Noble(
            Case(spec, publicKey, signed, context, signature),
            Case(spec, publicKey, [.. signed[..^1], (byte)(signed[^1] ^ 1)], context, signature),
            Case(spec, privateKey, signed, context, null));
        Assert.Equal((true, false), (answers[0].GetBoolean(), answers[1].GetBoolean()));
        Assert.True(pair.Verify(item, Convert.FromHexString(answers[2].GetString()!)));
    }

    private static object Case(string spec, byte[] key, byte[] message, byte[] context, byte[]? signature) => new
    {
        spec,
        verify = signature is not null,
        key = Convert.ToHexString(key),
        message = Convert.ToHexString(message),
        signature = Convert.ToHexString(signature ?? []),
        context = Convert.ToHexString(context),
    };

    private static async Task<JsonElement[]> Noble(params object[] cases) => [.. (await NodeScript.Run("sign.mjs", cases)).EnumerateArray()];
}
