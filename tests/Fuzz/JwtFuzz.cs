using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using OrleansKms.Gateway.Access.Jwt;

namespace OrleansKms.Tests.Fuzz;

/// <summary>
/// Targets: <see cref="JwtForm"/>, which meets whatever stands behind <c>Bearer</c>, and <see cref="IssuerKeySet"/>, which meets what an
/// issuer's server sends.
/// </summary>
public class JwtFuzz
{
    private const string Header = """{"alg":"RS256","typ":"JWT","kid":"k1"}""";
    private const string Claims = """{"iss":"https://issuer","sub":"repo:a/b","aud":["kms","x"],"exp":1900000000,"nbf":1,"x":{"y":[1,2]}}""";

    [Fact]
    public void HostileParts_AreNoToken_OrAreReadAsAnotherParserReadsThem()
    {
        var headers = new HostileText(Header, """{"alg":"none","crit":["exp"],"jwk":{}}""");
        var claims = new HostileText(Claims, """{"sub":"\u0061\n","aud":"kms","exp":1e300,"iss":7,"events":{}}""");
        var read = 0;
        for (var round = 0; round < 5 * HostileBytes.Rounds; round++)
        {
            var (header, body) = (round % 2 == 0 ? headers.Next() : Header, round % 3 == 0 ? Claims : claims.Next());
            var token = $"{Encode(header)}.{Encode(body)}.AAAAAAAA";
            if (!JwtForm.MayBe(token) || JwtForm.Read(token) is not { } form) continue;
            read++;
            using var other = JsonDocument.Parse(Encoding.Latin1.GetBytes(body));
            Assert.True(
                other.RootElement.GetProperty("sub").ValueEquals(form.Subject) && other.RootElement.GetProperty("iss").ValueEquals(form.Issuer)
                && form.Subject.Length > 0 && !form.Subject.Any(char.IsControl) && form.ExpiresAt > DateTimeOffset.UnixEpoch.AddTicks(-1),
                HostileText.At(round, body));
        }

        Assert.InRange(read, HostileBytes.Rounds / 10, 5 * HostileBytes.Rounds);
    }

    [Fact]
    public void HostileTexts_AreReadOrNot_WithoutFail()
    {
        var hostile = new HostileText($"{Encode(Header)}.{Encode(Claims)}.AAAA", "ey..", "eyJ.eyJ.");
        for (var round = 0; round < 5 * HostileBytes.Rounds; round++)
        {
            var text = hostile.Next();
            if (JwtForm.MayBe(text)) _ = JwtForm.Read(text);
        }
    }

    [Fact]
    public void HostileKeySets_AreRefusedInOneWay_OrHaveKeysThatVerify()
    {
        using var pair = System.Security.Cryptography.RSA.Create(2048);
        var modulus = Base64Url.EncodeToString(pair.ExportParameters(false).Modulus);
        var hostile = new HostileText(
            $$"""{"keys":[{"kty":"RSA","kid":"a","use":"sig","n":"{{modulus}}","e":"AQAB"},{"kty":"oct","k":"AA"}]}""",
            """{"keys":[{"kty":"EC","crv":"P-256","kid":"b","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}""");
        var taken = 0;
        for (var round = 0; round < HostileBytes.Rounds; round++)
        {
            try
            {
                taken += IssuerKeySet.Parse(Encoding.Latin1.GetBytes(hostile.Next())).Count;
            }
            catch (InvalidDataException)
            {
                // The one way.
            }
        }

        Assert.InRange(taken, 1, HostileBytes.Rounds);
    }

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.Latin1.GetBytes(text));
}
