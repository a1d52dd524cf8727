using System.Net;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Rest;

namespace OrleansKms.Tests.Api;

/// <summary>Every operation with a key of every usage: a key does what its usage says and nothing else, however often it is asked.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class WrongUsageTests(DefaultApi api)
{
    /// <summary>Well-formed requests, and the usages of the keys that take them.</summary>
    private static readonly Dictionary<string, (string Body, KeyUsage[] Usages)> _operations = new()
    {
        ["encrypt"] = ("""{"plaintext":"AQ=="}""", [KeyUsage.EncryptDecrypt]),
        ["decrypt"] = ("""{"ciphertext":"CIPHERTEXT"}""", [KeyUsage.EncryptDecrypt]),
        ["rewrap"] = ("""{"ciphertext":"CIPHERTEXT"}""", [KeyUsage.EncryptDecrypt]),
        ["datakey"] = ("{}", [KeyUsage.EncryptDecrypt]),
        ["datakey-pair"] = ("""{"spec":"X25519"}""", [KeyUsage.EncryptDecrypt]),
        ["sign"] = ("""{"message":"AQ=="}""", [KeyUsage.SignVerify]),
        ["verify"] = ("""{"message":"AQ==","signature":"AQ=="}""", [KeyUsage.SignVerify]),
        ["mac"] = ("""{"message":"AQ=="}""", [KeyUsage.Mac]),
        ["mac/verify"] = ("""{"message":"AQ==","mac":"AQ=="}""", [KeyUsage.Mac]),
        ["derive"] = ("""{"context":"AQ=="}""", [KeyUsage.Derive, KeyUsage.KeyAgreement]),
        ["encapsulate"] = ("{}", [KeyUsage.Encapsulate]),
        ["decapsulate"] = ("""{"ciphertext":"CIPHERTEXT"}""", [KeyUsage.Encapsulate]),
        ["jws"] = ("""{"payload":"AQ=="}""", [KeyUsage.Jws]),
    };

    public static TheoryData<KeyUsage> Usages => new(KeySpec.All.SelectMany(spec => spec.Usages).Distinct());

    [Fact]
    public void EveryOperation_OfAKey_IsTried() => Assert.Equal(
        Routes.All.Where(route => route.Tag == "Cryptography" && route.Pattern.StartsWith("/v1/keys/{id}/", StringComparison.Ordinal))
            .Select(route => route.Pattern["/v1/keys/{id}/".Length..]).Order(StringComparer.Ordinal),
        _operations.Keys.Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Usages))]
    public async Task Key_DoesWhatItsUsageSays_AndNothingElse(KeyUsage usage)
    {
        foreach (var spec in KeySpec.All.Where(spec => spec.Usages.Contains(usage)).Where(spec => spec.Name is not ("RSA_3072" or "RSA_4096")))
        {
            var id = await api.NewKey(new { spec = spec.Name, usage = WireNames<KeyUsage>.Of(usage) });
            var ciphertext = Convert.ToBase64String(await api.Encrypt(await api.NewKey(), [1]));
            var own = 0;

            // The second time the key is ready for its own.
            for (var again = 0; again < 2; again++)
            {
                foreach (var (operation, (body, usages)) in _operations)
                {
                    var answer = await api.PostText($"/v1/keys/{id}/{operation}", body.Replace("CIPHERTEXT", ciphertext, StringComparison.Ordinal));

                    // What RSA encrypts does not say that it is a data key.
                    var isUnmarked = spec.Name.StartsWith("RSA", StringComparison.Ordinal) && operation.StartsWith("datakey", StringComparison.Ordinal);
                    if (!usages.Contains(usage) || isUnmarked) answer.Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
                    else Assert.True(answer.Code is null or "invalid_ciphertext" or "invalid_parameter", $"{spec.Name} {operation}: {answer.Text}");
                    own += answer.Status == HttpStatusCode.OK ? 1 : 0;
                }
            }

            Assert.True(own > 0 || usage == KeyUsage.KeyAgreement, spec.Name);
        }
    }

    [Theory]
    [MemberData(nameof(Usages))]
    public async Task Batches_RefuseTheSame(KeyUsage usage)
    {
        var spec = KeySpec.All.First(spec => spec.Usages.Contains(usage)).Name;
        var id = await api.NewKey(new { spec, usage = WireNames<KeyUsage>.Of(usage) });
        var ciphertext = Convert.ToBase64String(await api.Encrypt(await api.NewKey(), [1]));
        foreach (var operation in (string[])["encrypt", "decrypt", "rewrap", "sign", "verify", "mac", "mac/verify"])
        {
            var (body, usages) = _operations[operation];
            if (usages.Contains(usage)) continue;
            body = body.Replace("CIPHERTEXT", ciphertext, StringComparison.Ordinal);
            (await api.PostText($"/v1/keys/{id}/{operation}", $$"""{"items":[{{body}},{{body}}]}""")).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
            var op = operation == "mac/verify" ? "verify-mac" : operation;
            var results = (await api.PostText("/v1/batch", $$"""{"operations":[{"op":"{{op}}","key_id":"{{id}}",{{body[1..]}}]}""")).Is(HttpStatusCode.OK).Json["results"]!;
            Assert.Equal("wrong_key_usage", (string)results[0]!["error"]!["code"]!);
        }
    }
}
