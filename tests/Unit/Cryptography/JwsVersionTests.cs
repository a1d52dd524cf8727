using System.Buffers.Text;
using System.Text;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Signatures;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>Tokens of every spec that signs some; tests/Api holds them against libraries of others.</summary>
public sealed class JwsVersionTests
{
    private const string Id = "payments.eu.cards";

    public static TheoryData<string, string> Algorithms
    {
        get
        {
            var rows = new TheoryData<string, string>();
            foreach (var row in AlgorithmRegistry.Signatures)
            {
                foreach (var algorithm in row.Jws) rows.Add(row.Spec, algorithm);
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public async Task Token_IsTheSignatureOfHeaderAndPayload(string spec, string name)
    {
        var pair = await SignaturePair.Make(spec);
        using var version = SignaturePair.Of(spec).Open(KeyUsage.Jws, Id, 7, await AlgorithmRegistry.Material(spec, 1)).Require<ISignsJws>();
        Assert.Equal(7, version.Version);
        var algorithm = JwsAlgorithm.Find(version.Algorithms, name);
        var text = await version.Sign(algorithm, "{\"sub\":\"x\"}"u8, "at+jwt");
        var parts = text.Split('.');
        Assert.Equal($$"""{"alg":"{{name}}","kid":"payments.eu.cards.7","typ":"at+jwt"}""", Text(parts[0]));
        Assert.Equal("""{"sub":"x"}""", Text(parts[1]));
        Assert.DoesNotContain('=', text);
        var encoding = algorithm.Scheme.HasEncodings ? SignatureEncoding.P1363 : (SignatureEncoding?)null;
        var item = new SignItem(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Algorithm: algorithm.Scheme.Name, Encoding: encoding);
        Assert.True(pair.Verify(item, Base64Url.DecodeFromChars(parts[2])));
        pair.Dispose();

        var without = (await version.Sign(algorithm, [], null)).Split('.');
        Assert.Equal(($$"""{"alg":"{{name}}","kid":"payments.eu.cards.7"}""", ""), (Text(without[0]), without[1]));
    }

    /// <summary>Else whoever may have texts signed could sign tokens, and the reverse.</summary>
    [Theory]
    [MemberData(nameof(Algorithms))]
    public async Task Version_OfOneUsage_DoesNotOfferTheOther(string spec, string name)
    {
        var material = await AlgorithmRegistry.Material(spec, 1);
        using var tokens = SignaturePair.Of(spec).Open(KeyUsage.Jws, Id, 1, material);
        using var signs = SignaturePair.Of(spec).Open(KeyUsage.SignVerify, Id, 1, material);
        Assert.Contains(name, tokens.Require<ISignsJws>().Algorithms.Select(a => a.Name));
        Assert.Equal("wrong_key_usage", Assert.Throws<KmsException>(tokens.Require<ISigns>).Code);
        Assert.Equal("wrong_key_usage", Assert.Throws<KmsException>(signs.Require<ISignsJws>).Code);
        Assert.Equal("unsupported_algorithm", Assert.Throws<KmsException>(() => JwsAlgorithm.Find(tokens.Require<ISignsJws>().Algorithms, "none")).Code);
    }

    private static string Text(string part) => Encoding.UTF8.GetString(Base64Url.DecodeFromChars(part));
}
