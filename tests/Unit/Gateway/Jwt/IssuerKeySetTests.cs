using System.Security.Cryptography;
using System.Text;
using OrleansKms.Gateway.Access.Jwt;

namespace OrleansKms.Tests.Unit.Gateway.Jwt;

/// <summary>Which keys of a set verify, and what.</summary>
public sealed class IssuerKeySetTests
{
    private static readonly JwtSigner _rsa = JwtSigner.Rsa("k");
    private static readonly JwtSigner _ec = JwtSigner.Ec("k", "ES256");

    public static TheoryData<string, string> Keys => new()
    {
        { _rsa.Jwk(), "RS256 RS384 RS512 PS256 PS384 PS512" },
        { _rsa.Jwk("\"use\":\"sig\",\"alg\":\"PS256\","), "PS256" },
        { _rsa.Jwk("\"key_ops\":[\"verify\"],\"x5c\":[\"AA==\"],"), "RS256 RS384 RS512 PS256 PS384 PS512" },
        { _ec.Jwk(), "ES256" },
        { JwtSigner.Ec("k", "ES384").Jwk(), "ES384" },
        { JwtSigner.Ec("k", "ES512").Jwk(), "ES512" },
        { _rsa.Jwk("\"use\":\"enc\","), "" },
        { _rsa.Jwk("\"key_ops\":[\"encrypt\"],"), "" },
        { _rsa.Jwk("\"key_ops\":\"verify\","), "" },
        { _rsa.Jwk("\"alg\":\"RSA-OAEP\","), "" },
        { _rsa.Jwk("\"alg\":\"HS256\","), "" },
        { _ec.Jwk("\"alg\":\"ES384\","), "" },
        { JwtSigner.Rsa("k", bits: 1024).Jwk(), "" },
        { _ec.Jwk().Replace("P-256", "P-384", StringComparison.Ordinal), "" },
        { _ec.Jwk().Replace("\"x\":\"", "\"x\":\"AA", StringComparison.Ordinal), "" },
        { """{"kty":"oct","kid":"k","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}""", "" },
        { """{"kty":"RSA","kid":"k","n":"AQAB"}""", "" },
        { """{"kty":"RSA","kid":"k","n":"!","e":"AQAB"}""", "" },
        { """{"kty":"OKP","crv":"Ed25519","kid":"k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}""", "" },
        { """{"kid":"k"}""", "" },
        { "7", "" },
    };

    [Theory]
    [MemberData(nameof(Keys))]
    public void Key_VerifiesWhatItIsFor(string key, string algorithms)
    {
        var set = Parse(JwtSigner.KeySet(key));
        string[] all = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "HS256", "none", "EdDSA"];
        Assert.Equal(algorithms, string.Join(' ', all.Where(algorithm => set.Find("k", algorithm) is not null)));
        Assert.Equal(algorithms.Length > 0 ? 1 : 0, set.Count);
    }

    [Fact]
    public void BrokenKey_LeavesTheOthers() =>
        Assert.Equal(1, Parse(JwtSigner.KeySet("{}", """{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}""", _rsa.Jwk())).Count);

    [Fact]
    public void Find_ByNameAndAlgorithm_OrTheOnlyOneThatCanBeMeant()
    {
        using var other = JwtSigner.Rsa("other");
        var one = Parse(JwtSigner.KeySet(_rsa, _ec));
        Assert.NotNull(one.Find(null, "RS256"));
        Assert.NotNull(one.Find("k", "ES256"));
        Assert.Null(one.Find("K", "RS256"));
        var two = Parse(JwtSigner.KeySet(_rsa, _ec, other));
        Assert.Null(two.Find(null, "RS256"));
        Assert.Equal("other", two.Find("other", "RS256")!.Id);
        Assert.Null(Parse(JwtSigner.KeySet(_rsa, other.As("RS256", "k"))).Find("k", "RS256"));
    }

    [Fact]
    public void PrivateKeyThatWasPublished_IsTakenForItsPublicHalf()
    {
        using var pair = RSA.Create(2048);
        var all = pair.ExportParameters(true);
        string Number(byte[]? number) => System.Buffers.Text.Base64Url.EncodeToString(number);
        var key = Parse(JwtSigner.KeySet($$"""{"kty":"RSA","kid":"k","n":"{{Number(all.Modulus)}}","e":"{{Number(all.Exponent)}}","d":"{{Number(all.D)}}"}"""))
            .Find("k", "RS256")!.Key;
        Assert.Equal(Microsoft.IdentityModel.Tokens.PrivateKeyStatus.DoesNotExist, key.PrivateKeyStatus);
    }

    [Theory]
    [InlineData("")]
    [InlineData("<html>")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"keys":{}}""")]
    [InlineData("""{"keys":[],"keys":[]}""")]
    [InlineData("""{"keys":[{"kty":"RSA","kty":"EC"}]}""")]
    [InlineData("""{"keys":[]} {}""")]
    public void WhatIsNoSet_IsRefused(string text) => Assert.Throws<InvalidDataException>(() => Parse(text));

    [Fact]
    public void MoreKeysThanAnIssuerHas_AreRefused() =>
        Assert.Throws<InvalidDataException>(() => Parse(JwtSigner.KeySet([.. Enumerable.Repeat("{}", 101)])));

    private static IssuerKeySet Parse(string text) => IssuerKeySet.Parse(Encoding.UTF8.GetBytes(text));
}
