using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace OrleansKms.Tests.Api;

/// <summary>What principals may do by their policies, end to end: from the token to the key.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class PrincipalPolicyTests(DefaultApi api)
{
    private readonly string _prefix = Api.NewId() + ".";

    [Fact]
    public async Task Principal_MayWhatItsPoliciesAllow_AndSeesNothingElse()
    {
        var (mine, theirs, missing) = (_prefix + "mine", _prefix + "theirs", _prefix + "missing");
        foreach (var id in (string[])[mine, theirs]) (await api.Post("/v1/keys", new { id })).Is(HttpStatusCode.Created);
        await PutPolicy(_prefix + "p", $$$"""{"statements":[{"effect":"allow","actions":["use","keys:list"],"keys":["{{{mine}}}*"]},{"effect":"deny","actions":["keys:decrypt"],"keys":["*"],"when":{"associated_data_prefix":"AQ=="}}]}""");
        var token = await SignUp(_prefix + "p");

        var encrypted = (await As(token, "POST", $"/v1/keys/{mine}/encrypt", new { plaintext = "AQ==", associated_data = "AQ==" })).Is(HttpStatusCode.OK).Json;
        var ciphertext = (string)encrypted["ciphertext"]!;
        (await As(token, "POST", $"/v1/keys/{mine}/decrypt", new { ciphertext, associated_data = "AQ==" })).Is(HttpStatusCode.Forbidden, "permission_denied");
        var plain = (string)(await As(token, "POST", $"/v1/keys/{mine}/encrypt", new { plaintext = "AQ==" })).Is(HttpStatusCode.OK).Json["ciphertext"]!;
        (await As(token, "POST", "/v1/decrypt", new { ciphertext = plain })).Is(HttpStatusCode.OK);
        (await As(token, "POST", $"/v1/keys/{mine}/rotate", new { })).Is(HttpStatusCode.Forbidden, "permission_denied");
        Assert.Equal(
            Detail(await As(token, "POST", $"/v1/keys/{theirs}/encrypt", new { plaintext = "AQ==" })),
            Detail(await As(token, "POST", $"/v1/keys/{missing}/encrypt", new { plaintext = "AQ==" })));
        var listed = (await As(token, "GET", $"/v1/keys?prefix={_prefix}")).Is(HttpStatusCode.OK).Json["keys"]!.AsArray();
        Assert.Equal(mine, (string)Assert.Single(listed)!["id"]!);
        (await As(token, "PUT", $"/v1/policies/{_prefix}q", new { statements = Array.Empty<object>() })).Is(HttpStatusCode.Forbidden, "permission_denied");

        // A change of the policy is known at the gateway that made it at once.
        await PutPolicy(_prefix + "p", $$"""{"statements":[{"effect":"allow","actions":["use"],"keys":["{{theirs}}"]}]}""");
        (await As(token, "POST", $"/v1/keys/{mine}/encrypt", new { plaintext = "AQ==" })).Is(HttpStatusCode.Forbidden, "permission_denied");
        (await As(token, "POST", $"/v1/keys/{theirs}/encrypt", new { plaintext = "AQ==" })).Is(HttpStatusCode.OK);

        // What has a holder stays.
        (await api.Delete($"/v1/policies/{_prefix}p")).Is(HttpStatusCode.Conflict, "conflict");
    }

    [Fact]
    public async Task KeysOwnPolicy_BindsEveryPrincipalButAdmin()
    {
        var id = _prefix + "k";
        (await api.Post("/v1/keys", new { id })).Is(HttpStatusCode.Created);
        var token = await SignUp("administrator");
        (await As(token, "PUT", $"/v1/keys/{id}/policy", new { statements = new[] { new { effect = "deny", actions = new[] { "*" } } } })).Is(HttpStatusCode.OK);
        (await As(token, "POST", $"/v1/keys/{id}/encrypt", new { plaintext = "AQ==" })).Is(HttpStatusCode.Forbidden, "permission_denied");
        (await As(token, "DELETE", $"/v1/keys/{id}/policy")).Is(HttpStatusCode.Forbidden, "permission_denied");
        (await api.Post($"/v1/keys/{id}/encrypt", new { plaintext = "AQ==" })).Is(HttpStatusCode.OK);
        (await api.Delete($"/v1/keys/{id}/policy")).Is(HttpStatusCode.NoContent);
        (await As(token, "POST", $"/v1/keys/{id}/encrypt", new { plaintext = "AQ==" })).Is(HttpStatusCode.OK);
    }

    [Fact]
    public async Task KeysOwnPolicy_WaitsForApproval_WhereItsRuleSaysSo()
    {
        var id = _prefix + "guarded";
        (await api.Post("/v1/keys", new { id, approval = new { operations = new[] { "policy" }, required = 1, approvers = new[] { "p-*" } } })).Is(HttpStatusCode.Created);
        var approver = await SignUp("administrator");
        var asked = await api.Body(HttpMethod.Put, $"/v1/keys/{id}/policy", """{"statements":[{"effect":"deny","actions":["keys:rotate"]}]}"""u8.ToArray());
        var approval = (string)asked.Is(HttpStatusCode.Accepted).Json["approval_id"]!;
        Assert.Equal("deny", (string?)asked.Json["arguments"]!["statements"]![0]!["effect"]);
        (await api.Get($"/v1/keys/{id}/policy")).Is(HttpStatusCode.NotFound, "policy_not_found");
        (await As(approver, "POST", $"/v1/approvals/{approval}/approve", new { })).Is(HttpStatusCode.OK);
        Assert.Single((await api.Get($"/v1/keys/{id}/policy")).Is(HttpStatusCode.OK).Json["statements"]!.AsArray());
    }

    private async Task PutPolicy(string name, string body) =>
        (await api.Body(HttpMethod.Put, "/v1/policies/" + name, Encoding.UTF8.GetBytes(body))).Is(HttpStatusCode.OK);

    private async Task<string> SignUp(params string[] policies)
    {
        var name = "p-" + Guid.NewGuid().ToString("N");
        (await api.Post("/v1/principals", new { name, policies })).Is(HttpStatusCode.Created);
        return (string)(await api.Post($"/v1/principals/{name}/tokens", new { })).Is(HttpStatusCode.Created).Json["token"]!;
    }

    private Task<Answer> As(string token, string method, string path, object? body = null)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (body is not null) request.Content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
        return api.Send(request);
    }

    private static string Detail(Answer answer) => $"{(int)answer.Status} {answer.Code} {answer.Json["title"]} {answer.Json["detail"]}";
}
