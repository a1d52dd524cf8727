using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using OrleansKms.Gateway.Access;
using OrleansKms.Gateway.Access.Jwt;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Gateway.Limits;

namespace OrleansKms.Tests.Unit.Gateway.Jwt;

/// <summary>Which tokens sign in, and as whom.</summary>
public sealed class JwtTokensTests : IDisposable
{
    private static readonly JwtSigner _rsa = JwtSigner.Rsa("rsa");
    private static readonly JwtSigner _ec = JwtSigner.Ec("ec", "ES256");
    private static readonly JwtSigner _ec384 = JwtSigner.Ec("ec384", "ES384");
    private static readonly JwtSigner _stranger = JwtSigner.Rsa("rsa");

    private readonly JwtGateway _gateway = new() { KeySet = JwtSigner.KeySet(_rsa, _ec, _ec384) };

    /// <summary>Tokens that are as good as the usual one, each made with the issuer's keys.</summary>
    private static readonly Dictionary<string, Func<JwtGateway, string>> _good = new()
    {
        ["usual"] = g => _rsa.Sign(g.Claims()),
        ["PS256"] = g => _rsa.As("PS256").Sign(g.Claims()),
        ["ES256"] = g => _ec.Sign(g.Claims()),
        ["typ JWT"] = g => _rsa.Sign("""{"typ":"JWT","alg":"RS256","kid":"rsa"}""", g.Claims()),
        ["typ at+jwt"] = g => _rsa.Sign("""{"typ":"at+JWT","alg":"RS256","kid":"rsa"}""", g.Claims()),
        ["typ with its media type"] = g => _rsa.Sign("""{"typ":"application/at+jwt","alg":"RS256","kid":"rsa"}""", g.Claims()),
        ["no kid, one key for the algorithm"] = g => _ec.Sign("""{"alg":"ES256"}""", g.Claims()),
        ["keys of its own that nobody looks at"] = g => _rsa.Sign(
            $$"""{"alg":"RS256","kid":"rsa","jku":"https://evil.example/jwks","x5u":"https://evil.example/x","x5c":["AA=="],"jwk":{{_stranger.Jwk()}}}""", g.Claims()),
        ["several audiences"] = g => _rsa.Sign(With(g, "aud", """["https://elsewhere","okms.example"]""")),
        ["the other audience"] = g => _rsa.Sign(With(g, "aud", "\"other.example\"")),
        ["not before, just now"] = g => _rsa.Sign(g.Claims($"\"nbf\":{g.Seconds(0)},")),
        ["not before, within the skew"] = g => _rsa.Sign(g.Claims($"\"nbf\":{g.Seconds(29)},")),
        ["over, within the skew"] = g => _rsa.Sign(With(g, "exp", $"{g.Seconds(-29)}")),
        ["a fraction of a second"] = g => _rsa.Sign(With(g, "exp", $"{g.Seconds(60)}.5")),
        ["other claims"] = g => _rsa.Sign(g.Claims("\"kubernetes.io\":{\"namespace\":\"shop\",\"pod\":{\"name\":\"cards-0\"}},\"iat\":1,\"jti\":\"x\",")),
    };

    private static readonly Dictionary<string, Func<JwtGateway, string>> _bad = new()
    {
        ["alg none"] = g => Unsigned("""{"alg":"none"}""", g.Claims()),
        ["alg none with a kid"] = g => Unsigned("""{"alg":"none","kid":"rsa"}""", g.Claims()),
        ["alg nOnE"] = g => Unsigned("""{"alg":"nOnE","kid":"rsa"}""", g.Claims()),
        ["alg none with a signature"] = g => _rsa.Sign("""{"alg":"none","kid":"rsa"}""", g.Claims()),
        ["no alg"] = g => _rsa.Sign("""{"kid":"rsa"}""", g.Claims()),
        ["alg that is no text"] = g => _rsa.Sign("""{"alg":["RS256"],"kid":"rsa"}""", g.Claims()),
        ["HS256 with the PEM as the secret"] = g => Hmac("""{"alg":"HS256","kid":"rsa"}""", g.Claims(), Encoding.ASCII.GetBytes(_rsa.Pem())),
        ["HS256 with the PEM and its line break"] = g => Hmac("""{"alg":"HS256","kid":"rsa"}""", g.Claims(), Encoding.ASCII.GetBytes(_rsa.Pem() + "\n")),
        ["HS256 with the JWK as the secret"] = g => Hmac("""{"alg":"HS256","kid":"rsa"}""", g.Claims(), Encoding.ASCII.GetBytes(_rsa.Jwk())),
        ["HS256 without a secret"] = g => Hmac("""{"alg":"HS256","kid":"rsa"}""", g.Claims(), []),
        ["an algorithm that is not allowed"] = g => _rsa.As("RS512").Sign(g.Claims()),
        ["an algorithm that is not allowed, of another key"] = g => _ec384.Sign(g.Claims()),
        ["RS256 said, PS256 signed"] = g => _rsa.As("PS256").Sign("""{"alg":"RS256","kid":"rsa"}""", g.Claims()),
        ["ES256 said, by the RSA key"] = g => _rsa.Sign("""{"alg":"ES256","kid":"rsa"}""", g.Claims()),
        ["somebody else's key under the same name"] = g => _stranger.Sign(g.Claims()),
        ["somebody else's key, brought along"] = g => _stranger.Sign($$"""{"alg":"RS256","jwk":{{_stranger.Jwk()}}}""", g.Claims()),
        ["an unknown key"] = g => _stranger.As("RS256", "new").Sign(g.Claims()),
        ["a kid that is no text"] = g => _rsa.Sign("""{"alg":"RS256","kid":7}""", g.Claims()),
        ["a changed claim"] = g => Changed(_rsa.Sign(g.Claims()), g.Claims("\"admin\":true,")),
        ["a changed signature"] = g => Flip(_rsa.Sign(g.Claims())),
        ["half a signature"] = g => _rsa.Sign(g.Claims())[..^100],
        ["no signature"] = g => _rsa.Sign(g.Claims()).Split('.') is var parts ? $"{parts[0]}.{parts[1]}." : "",
        ["critical extensions"] = g => _rsa.Sign("""{"alg":"RS256","kid":"rsa","crit":["exp"],"exp":1}""", g.Claims()),
        ["critical extensions, none"] = g => _rsa.Sign("""{"alg":"RS256","kid":"rsa","crit":[]}""", g.Claims()),
        ["an unencoded payload"] = g => _rsa.Sign("""{"alg":"RS256","kid":"rsa","b64":false}""", g.Claims()),
        ["another content"] = g => _rsa.Sign("""{"alg":"RS256","kid":"rsa","cty":"JWT"}""", g.Claims()),
        ["compressed"] = g => _rsa.Sign("""{"alg":"RS256","kid":"rsa","zip":"DEF"}""", g.Claims()),
        ["said to be encrypted"] = g => _rsa.Sign("""{"alg":"RS256","kid":"rsa","enc":"A256GCM"}""", g.Claims()),
        ["encrypted"] = g => _rsa.Sign(g.Claims()) + ".AA.AA",
        ["two algorithms"] = g => _rsa.Sign("""{"alg":"RS256","alg":"none","kid":"rsa"}""", g.Claims()),
        ["two key ids"] = g => _rsa.Sign("""{"alg":"RS256","kid":"rsa","kid":"ec"}""", g.Claims()),
        ["two subjects"] = g => _rsa.Sign(g.Claims("\"sub\":\"admin\",")),
        ["two subjects, one escaped"] = g => _rsa.Sign(g.Claims("\"s\\u0075b\":\"admin\",")),
        ["two of a claim deep inside"] = g => _rsa.Sign(g.Claims("\"x\":{\"a\":1,\"a\":2},")),
        ["a logout token by its type"] = g => _rsa.Sign("""{"typ":"logout+jwt","alg":"RS256","kid":"rsa"}""", g.Claims()),
        ["a logout token by its events"] = g => _rsa.Sign(g.Claims("\"events\":{\"http://schemas.openid.net/event/backchannel-logout\":{}},")),
        ["a security event"] = g => _rsa.Sign("""{"typ":"secevent+jwt","alg":"RS256","kid":"rsa"}""", g.Claims()),
        ["a proof of possession"] = g => _rsa.Sign("""{"typ":"dpop+jwt","alg":"RS256","kid":"rsa"}""", g.Claims()),
        ["a type that is no text"] = g => _rsa.Sign("""{"typ":null,"alg":"RS256","kid":"rsa"}""", g.Claims()),
        ["an ID token by its nonce"] = g => _rsa.Sign(g.Claims("\"nonce\":\"n\",")),
        ["an ID token by its access token"] = g => _rsa.Sign(g.Claims("\"at_hash\":\"h\",")),
        ["a token that is bound to a key"] = g => _rsa.Sign(g.Claims("\"cnf\":{\"jkt\":\"x\"},")),
        ["another issuer"] = g => _rsa.Sign(With(g, "iss", "\"https://other.example\"")),
        ["the issuer with a slash"] = g => _rsa.Sign(With(g, "iss", "\"https://issuer.example/\"")),
        ["the issuer in capitals"] = g => _rsa.Sign(With(g, "iss", "\"https://ISSUER.example\"")),
        ["no issuer"] = g => _rsa.Sign(Without(g, "iss")),
        ["another audience"] = g => _rsa.Sign(With(g, "aud", "\"billing.example\"")),
        ["the audience with a slash"] = g => _rsa.Sign(With(g, "aud", "\"okms.example/\"")),
        ["part of the audience"] = g => _rsa.Sign(With(g, "aud", "\"okms\"")),
        ["no audience"] = g => _rsa.Sign(Without(g, "aud")),
        ["an empty list of audiences"] = g => _rsa.Sign(With(g, "aud", "[]")),
        ["an audience that is no text"] = g => _rsa.Sign(With(g, "aud", "[\"okms.example\",1]")),
        ["over"] = g => _rsa.Sign(With(g, "exp", $"{g.Seconds(-30)}")),
        ["no end"] = g => _rsa.Sign(Without(g, "exp")),
        ["an end that is text"] = g => _rsa.Sign(With(g, "exp", $"\"{g.Seconds(60)}\"")),
        ["an end beyond all time"] = g => _rsa.Sign(With(g, "exp", "1e300")),
        ["an end before all time"] = g => _rsa.Sign(With(g, "exp", "-1")),
        ["not yet"] = g => _rsa.Sign(g.Claims($"\"nbf\":{g.Seconds(31)},")),
        ["a beginning that is text"] = g => _rsa.Sign(g.Claims("\"nbf\":\"0\",")),
        ["no subject"] = g => _rsa.Sign(Without(g, "sub")),
        ["an empty subject"] = g => _rsa.Sign(With(g, "sub", "\"\"")),
        ["a subject that is no text"] = g => _rsa.Sign(With(g, "sub", "7")),
        ["a subject with a line break"] = g => _rsa.Sign(With(g, "sub", "\"a\\nb\"")),
        ["half a letter in the subject"] = g => _rsa.Sign(With(g, "sub", "\"\\ud800\"")),
        ["a subject that is nobody"] = g => _rsa.Sign(With(g, "sub", "\"system:serviceaccount:shop:other\"")),
        ["claims that are a list"] = g => _rsa.Sign("[]"),
        ["claims that are no JSON"] = g => _rsa.Sign("{\"iss\""),
        ["something after the claims"] = g => _rsa.Sign(g.Claims() + "{}"),
        ["claims with a comment"] = g => _rsa.Sign("/* */" + g.Claims()),
        ["claims too deep"] = g => _rsa.Sign(g.Claims($"\"x\":{new string('[', 100)}{new string(']', 100)},")),
        ["a header that is a list"] = g => _rsa.Sign("[]", g.Claims()),
        ["padding"] = g => _rsa.Sign(g.Claims()) + "=",
        ["a blank inside"] = g => _rsa.Sign(g.Claims()).Insert(20, " "),
        ["other base64"] = g => _rsa.Sign(g.Claims()).Replace('_', '/').Replace('-', '+') + "+/",
        ["too long"] = g => _rsa.Sign(g.Claims($"\"x\":\"{new string('x', JwtForm.MaxLength)}\",")),
        ["two parts"] = g => _rsa.Sign(g.Claims()).Split('.') is var parts ? $"{parts[0]}.{parts[1]}" : "",
        ["dots"] = _ => "ey..",
    };

    public static TheoryData<string> Good => new(_good.Keys);

    public static TheoryData<string> Bad => new(_bad.Keys);

    public void Dispose() => _gateway.Dispose();

    [Fact]
    public async Task KeyOfOneTrustedIssuer_SignsForNoOther()
    {
        using var gateway = new JwtGateway(trustsSecond: true) { KeySet = JwtSigner.KeySet(_rsa) };
        gateway.SecondKeySet = JwtSigner.KeySet(_stranger);
        gateway.Give(JwtGateway.Subject, "second", issuer: JwtGateway.SecondIssuer);
        await gateway.Refresh();
        var second = gateway.Claims().Replace(JwtGateway.Issuer, JwtGateway.SecondIssuer, StringComparison.Ordinal);
        Assert.Equal("cards", (await gateway.Find(_rsa.Sign(gateway.Claims()))).Principal!.Name);
        Assert.Equal("second", (await gateway.Find(_stranger.Sign(second))).Principal!.Name);
        Assert.Equal(LookupState.Nobody, (await gateway.Find(_rsa.Sign(second))).State);
        Assert.Equal(LookupState.Nobody, (await gateway.Find(_stranger.Sign(gateway.Claims()))).State);
    }

    [Theory]
    [MemberData(nameof(Good))]
    public async Task GoodToken_SignsIn(string name)
    {
        await _gateway.Refresh();
        var principal = (await _gateway.Find(_good[name](_gateway))).Principal;
        Assert.Equal(("cards", "jwt:" + JwtGateway.Issuer), (principal?.Name, principal?.Credential));
        Assert.False(principal!.CanProve);
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public async Task BadToken_IsNobodys(string name)
    {
        await _gateway.Refresh();
        var token = _bad[name](_gateway);
        Assert.Equal(LookupState.Nobody, (await _gateway.Find(token)).State);
        // Nor once the issuer's keys are known, and somebody has signed in.
        Assert.Equal(LookupState.Found, (await _gateway.Find(_rsa.Sign(_gateway.Claims()))).State);
        Assert.Equal(LookupState.Nobody, (await _gateway.Find(token)).State);
    }

    [Theory]
    [InlineData("RS384")]
    [InlineData("RS512")]
    [InlineData("PS384")]
    [InlineData("PS512")]
    [InlineData("ES384")]
    [InlineData("ES512")]
    public async Task EveryAlgorithmThatCanBeNamed_SignsIn_WhereItIs(string algorithm)
    {
        using var signer = algorithm[0] == 'E' ? JwtSigner.Ec("k", algorithm) : JwtSigner.Rsa("k", algorithm);
        using var gateway = new JwtGateway(new JwtIssuer { Name = JwtGateway.Issuer, Audiences = [JwtGateway.Audience], Algorithms = [algorithm] })
        {
            KeySet = JwtSigner.KeySet(signer),
        };
        await gateway.Refresh();
        Assert.Equal("cards", (await gateway.Find(signer.Sign(gateway.Claims()))).Principal?.Name);
        Assert.Contains(algorithm, JwtIssuer.AllAlgorithms);
    }

    [Fact]
    public async Task AcceptedToken_IsLookedAtOnce_AndEndsWhenItSays()
    {
        await _gateway.Refresh();
        var token = _rsa.Sign(_gateway.Claims());
        var principal = (await _gateway.Find(token)).Principal!;
        Assert.Equal(_gateway.Seconds(600), principal.ExpiresAt!.Value.ToUnixTimeSeconds());
        for (var i = 0; i < 3; i++)
        {
            var again = _gateway.Find(token);
            Assert.True(again.IsCompletedSuccessfully);
            Assert.Same(principal, (await again).Principal);
        }

        _gateway.Time.Advance(TimeSpan.FromSeconds(629));
        Assert.Same(principal, (await _gateway.Find(token)).Principal);
        _gateway.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(LookupState.Nobody, (await _gateway.Find(token)).State);
    }

    [Fact]
    public async Task PrincipalThatIsDisabledOrChanged_IsSoAtOnce_WhateverWasAccepted()
    {
        await _gateway.Refresh();
        var token = _rsa.Sign(_gateway.Claims());
        Assert.Equal("cards", (await _gateway.Find(token)).Principal?.Name);
        _gateway.Give(JwtGateway.Subject, "cards", isEnabled: false);
        await _gateway.Refresh();
        Assert.Equal(LookupState.Nobody, (await _gateway.Find(token)).State);
        _gateway.Give(JwtGateway.Subject, "cards");
        await _gateway.Refresh();
        Assert.Equal("cards", (await _gateway.Find(token)).Principal?.Name);
    }

    [Fact]
    public async Task TokenOfAKeyThatTheIssuerWithdraws_EndsWithTheKey()
    {
        await _gateway.Refresh();
        var (old, other) = (_rsa.Sign(_gateway.Claims()), _ec.Sign(_gateway.Claims()));
        Assert.Equal(LookupState.Found, (await _gateway.Find(old)).State);
        Assert.Equal(LookupState.Found, (await _gateway.Find(other)).State);
        _gateway.KeySet = JwtSigner.KeySet(_ec);
        _gateway.Time.Advance(IssuerKeys.MinPause);
        await _gateway.Keys.Refresh();
        Assert.Equal(LookupState.Nobody, (await _gateway.Find(old)).State);
        Assert.Equal(LookupState.Found, (await _gateway.Find(other)).State);
    }

    [Fact]
    public async Task AfterManyFailures_NothingIsLookedAt_ButWhatWasAcceptedGoesOn()
    {
        await _gateway.Refresh();
        var (accepted, fresh) = (_rsa.Sign(_gateway.Claims()), _ec.Sign(_gateway.Claims()));
        Assert.Equal(LookupState.Found, (await _gateway.Find(accepted)).State);
        for (var i = 0; i < FailedSignIns.Max; i++) _gateway.Failed.Note("here");
        Assert.Equal(LookupState.Refused, (await _gateway.Find(fresh)).State);
        Assert.Equal(LookupState.Found, (await _gateway.Find(accepted)).State);
        Assert.Equal(LookupState.Found, (await _gateway.Find(fresh, "elsewhere")).State);
    }

    [Fact]
    public async Task WithoutIssuers_AJwtIsNobodys()
    {
        var (principals, time) = (KnownPrincipalsOfNobody(), TimeProvider.System);
        var credentials = SignInParts.Credentials(new NoAdministrator(), principals, time);
        var http = new Microsoft.AspNetCore.Http.DefaultHttpContext();
        http.Request.Headers.Authorization = "Bearer " + _rsa.Sign(_gateway.Claims());
        Assert.Equal(LookupState.Nobody, (await credentials.Find(http.Request, "here")).State);
        principals.Dispose();
    }

    private static KnownPrincipals KnownPrincipalsOfNobody() => new(
        _ => throw new InvalidOperationException(), OrleansKms.Gateway.Cluster.ClusterLink.InProcess, TimeProvider.System,
        Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);

    private static string With(JwtGateway gateway, string claim, string value) => Without(gateway, claim)[..^1] + $",\"{claim}\":{value}}}";

    private static string Without(JwtGateway gateway, string claim)
    {
        var claims = System.Text.Json.Nodes.JsonNode.Parse(gateway.Claims())!.AsObject();
        claims.Remove(claim);
        return claims.ToJsonString();
    }

    private static string Unsigned(string header, string claims) => $"{JwtSigner.Base64(header)}.{JwtSigner.Base64(claims)}.";

    private static string Hmac(string header, string claims, byte[] secret)
    {
        var signed = $"{JwtSigner.Base64(header)}.{JwtSigner.Base64(claims)}";
        return signed + "." + Base64Url.EncodeToString(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(signed)));
    }

    private static string Changed(string token, string claims) =>
        token.Split('.') is var parts ? $"{parts[0]}.{JwtSigner.Base64(claims)}.{parts[2]}" : "";

    private static string Flip(string token) => token[..^20] + (token[^20] == 'A' ? 'B' : 'A') + token[^19..];

    private sealed class NoAdministrator : IPrincipalSource
    {
        public bool IsReady => true;

        public Principal? Find(ReadOnlySpan<char> token) => null;
    }
}
