using System.Text;

namespace OrleansKms.Tests.Unit.Policies;

/// <summary>Policies that look at more than operation and key, over HTTP.</summary>
public sealed class RequestPolicyTests(PolicyGateway gateway) : IClassFixture<PolicyGateway>
{
    private readonly string _key = "k" + Guid.NewGuid().ToString("N");

    [Theory]
    [InlineData("127.0.0.0/8", true)]
    [InlineData("::ffff:127.0.0.1/128", true)]
    [InlineData("10.0.0.0/8", false)]
    public async Task Source_IsTheCallersAddress(string network, bool may)
    {
        var token = Allow(new() { Source = [network] }, "use", "manage");
        Assert.Equal(may, await May(token, $"/v1/keys/{_key}/encrypt", """{"plaintext":"AQ=="}"""));
        Assert.Equal(may, await May(token, $"/v1/keys/{_key}/rotate", "{}"));
    }

    [Fact]
    public async Task AssociatedData_OfEachFormAndItem_MustBeginWithThePrefix()
    {
        var token = Allow(new() { AssociatedDataPrefix = [1, 2] }, "use");
        Assert.True(await May(token, $"/v1/keys/{_key}/encrypt", """{"plaintext":"AQ==","associated_data":"AQID"}"""));
        Assert.False(await May(token, $"/v1/keys/{_key}/encrypt", """{"plaintext":"AQ==","associated_data":"AgEC"}"""));
        Assert.False(await May(token, $"/v1/keys/{_key}/encrypt", """{"plaintext":"AQ=="}"""));
        Assert.False(await May(token, $"/v1/keys/{_key}/datakey", "{}"));
        Assert.True(await May(token, $"/v1/keys/{_key}/datakey", """{"associated_data":"AQI="}"""));
        Assert.False(await May(token, "/encrypt", $$"""{"key_id":"{{_key}}","plaintext":"AQ==","associated_data":"AQ=="}"""));

        var (status, json) = await gateway.Send(token, "POST", $"/v1/keys/{_key}/encrypt",
            """{"items":[{"plaintext":"AQ==","associated_data":"AQID"},{"plaintext":"AQ=="},{"plaintext":"","associated_data":"AQID"}]}""");
        Assert.Equal(200, status);
        Assert.Equal([null, "permission_denied", "invalid_parameter"], json!["results"]!.AsArray().Select(r => (string?)r!["error"]?["code"]));
        Assert.Single(((EncryptBatch)gateway.Messages[nameof(IKeyGrain.EncryptBatch)]!).Items);
    }

    [Fact]
    public async Task Kind_IsToldByTheCiphertext()
    {
        var token = Allow(new() { Kind = CiphertextKind.Data }, "use");
        Assert.True(await May(token, $"/v1/keys/{_key}/decrypt", Body(CiphertextKind.Data)));
        Assert.False(await May(token, $"/v1/keys/{_key}/decrypt", Body(CiphertextKind.DataKey)));
        Assert.False(await May(token, $"/v1/keys/{_key}/rewrap", Body(CiphertextKind.DataKeyPair)));
        Assert.False(await May(token, $"/v1/keys/{_key}/decrypt", """{"ciphertext":"AQ=="}"""));
        Assert.False(await May(token, "/v1/decrypt", Body(CiphertextKind.DataKey)));
        Assert.True(await May(token, $"/v1/keys/{_key}/encrypt", """{"plaintext":"AQ=="}"""));
        Assert.False(await May(token, $"/v1/keys/{_key}/datakey", "{}"));
        var (_, json) = await gateway.Send(token, "POST", $"/v1/keys/{_key}/decrypt", $$"""{"items":[{{Body(CiphertextKind.DataKey)}},{{Body(CiphertextKind.Data)}}]}""");
        Assert.Equal(["permission_denied", null], json!["results"]!.AsArray().Select(r => (string?)r!["error"]?["code"]));
    }

    [Fact]
    public async Task FactsOfAKey_AreAskedForOnce_AndAKeyThatDoesNotExistIsRefusedLikeOneThatDoesNotMatch()
    {
        var (other, missing) = (_key + ".other", _key + ".missing");
        gateway.Keys[_key] = new("AES_256_GCM", KeyProtection.Software);
        gateway.Keys[other] = new("CHACHA20_POLY1305", KeyProtection.Hsm);
        var token = Allow(new() { Specs = ["AES_256_GCM"], Protection = KeyProtection.Software }, "use", "manage");
        for (var i = 0; i < 3; i++)
        {
            Assert.True(await May(token, $"/v1/keys/{_key}/encrypt", """{"plaintext":"AQ=="}"""));
            Assert.True(await May(token, $"/v1/keys/{_key}/rotate", "{}"));
            Assert.False(await May(token, $"/v1/keys/{other}/encrypt", """{"plaintext":"AQ=="}"""));
            Assert.False(await May(token, $"/v1/keys/{missing}/encrypt", """{"plaintext":"AQ=="}"""));
        }

        Assert.Single(gateway.Calls, call => call == $"ReadFacts {_key}");
        Assert.Single(gateway.Calls, call => call == $"ReadFacts {other}");
        var (_, refused) = await gateway.Send(token, "GET", "/v1/keys/" + other);
        var (_, absent) = await gateway.Send(token, "GET", "/v1/keys/" + missing);
        Assert.Equal((string?)refused!["detail"], (string?)absent!["detail"]);

        // What is made is what the request says.
        Assert.True(await May(token, "/v1/keys", $$"""{"id":"{{missing}}"}"""));
        Assert.False(await May(token, "/v1/keys", $$"""{"id":"{{missing}}","spec":"AES_128_GCM"}"""));
        Assert.False(await May(token, "/v1/keys", $$"""{"id":"{{missing}}","protection":"hsm"}"""));
    }

    [Fact]
    public async Task Reencrypt_IsADecryptionWithTheOneAndAnEncryptionWithTheOther()
    {
        var (from, to) = (_key + ".from", _key + ".to");
        var body = $$"""{"ciphertext":"{{Ciphertext(from, CiphertextKind.DataKey)}}","destination_key_id":"{{to}}"}""";
        PolicyStatement decrypt = new(PolicyEffect.Allow, ["keys:decrypt"], [from]), encrypt = new(PolicyEffect.Allow, ["keys:encrypt"], [to]);
        Assert.True(await May(gateway.SignIn(decrypt, encrypt), "/v1/reencrypt", body));
        Assert.False(await May(gateway.SignIn(decrypt), "/v1/reencrypt", body));
        Assert.False(await May(gateway.SignIn(encrypt), "/v1/reencrypt", body));
        Assert.False(await May(gateway.SignIn(decrypt with { Keys = [to] }, encrypt with { Keys = [from] }), "/v1/reencrypt", body));
        Assert.False(await May(gateway.SignIn(decrypt, encrypt, new(PolicyEffect.Deny, ["keys:reencrypt"], [to])), "/v1/reencrypt", body));

        // The kind goes with the ciphertext: who may only encrypt data does not make a data key so.
        Assert.False(await May(gateway.SignIn(decrypt, encrypt with { When = new() { Kind = CiphertextKind.Data } }), "/v1/reencrypt", body));
    }

    [Fact]
    public async Task Batch_JudgesEachOperationByItself()
    {
        gateway.Keys[_key] = new("AES_256_GCM", KeyProtection.Software);
        var body = $$"""{"operations":[{"op":"encrypt","key_id":"{{_key}}","plaintext":"AQ=="},{"op":"decrypt","key_id":"{{_key}}","ciphertext":"AQ=="},{"op":"encrypt","key_id":"x","plaintext":"AQ=="}]}""";
        var token = gateway.SignIn(new PolicyStatement(PolicyEffect.Allow, ["keys:encrypt"], [_key]));
        var (status, json) = await gateway.Send(token, "POST", "/v1/batch", body);
        Assert.Equal(200, status);
        Assert.Equal(["key_disabled", "permission_denied", "permission_denied"], json!["results"]!.AsArray().Select(r => (string?)r!["error"]!["code"]));
        var denied = gateway.SignIn(new(PolicyEffect.Allow, ["use"], ["*"]), new PolicyStatement(PolicyEffect.Deny, ["keys:batch"], [_key]));
        (_, json) = await gateway.Send(denied, "POST", "/v1/batch", body);
        Assert.Equal(["permission_denied", "permission_denied", "key_not_found"], json!["results"]!.AsArray().Select(r => (string?)r!["error"]!["code"]));
    }

    [Fact]
    public async Task Alias_IsJudgedByTheKeyThatItStandsFor()
    {
        var (mine, theirs) = (_key + ".mine", _key + ".theirs");
        (gateway.Aliases[mine], gateway.Aliases[theirs]) = (mine, theirs);
        gateway.Keys[mine] = gateway.Keys[theirs] = new("AES_256_GCM", KeyProtection.Software);
        var token = gateway.SignIn(new PolicyStatement(PolicyEffect.Allow, ["use", "manage"], [mine]));
        Assert.Equal(200, (await gateway.Send(token, "GET", "/v1/aliases/" + mine)).Status);
        Assert.Equal(403, (await gateway.Send(token, "GET", "/v1/aliases/" + theirs)).Status);
        Assert.Equal(403, (await gateway.Send(token, "GET", "/v1/aliases/none" + mine)).Status);
        Assert.True(await May(token, $"/v1/keys/alias:{mine}/encrypt", """{"plaintext":"AQ=="}"""));
        Assert.False(await May(token, $"/v1/keys/alias:{theirs}/encrypt", """{"plaintext":"AQ=="}"""));

        // Nobody takes an alias away from a key that is not theirs, be it by removing it or by pointing it at a key of their own.
        Assert.Equal(403, (await gateway.Send(token, "DELETE", "/v1/aliases/" + theirs)).Status);
        Assert.Equal(403, (await gateway.Send(token, "PUT", "/v1/aliases/" + theirs, $$"""{"key_id":"{{mine}}"}""")).Status);
        Assert.NotEqual(403, (await gateway.Send(token, "PUT", "/v1/aliases/" + mine, $$"""{"key_id":"{{mine}}"}""")).Status);
        Assert.NotEqual(403, (await gateway.Send(token, "PUT", $"/v1/aliases/new{_key}", $$"""{"key_id":"{{mine}}"}""")).Status);
        Assert.DoesNotContain(gateway.Calls, call => call is "Remove " || call == "Point " + theirs);
    }

    private string Allow(PolicyConditions when, params string[] actions) =>
        gateway.SignIn(new PolicyStatement(PolicyEffect.Allow, actions, [_key + "*"]) { When = when });

    private async Task<bool> May(string token, string path, string body) => (await gateway.Send(token, "POST", path, body)).Status != 403;

    private string Body(CiphertextKind kind) => $$"""{"ciphertext":"{{Ciphertext(_key, kind)}}"}""";

    private static string Ciphertext(string key, CiphertextKind kind) => Convert.ToBase64String(
        [(byte)kind, 1, 0, 0, 0, 1, (byte)key.Length, .. Encoding.ASCII.GetBytes(key), .. new byte[12 + 1 + 16]]);
}
