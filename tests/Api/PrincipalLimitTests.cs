using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace OrleansKms.Tests.Api;

/// <summary>The limits of principals over HTTP.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class PrincipalLimitTests(DefaultApi api)
{
    private readonly string _name = Api.NewId();

    [Fact]
    public async Task EachWindow_CountsWhatItIsOf_OverAllKeys_AndSaysWhenItHasRoom()
    {
        var (one, two) = (await api.NewKey(), await api.NewKey());
        var token = await SignUp(new { count = 4, per = "PT1H" }, new { count = 2, per = "P1D", of = "keys:rotate" }, new { count = 3, per = "PT30M", of = "manage" });
        await Encrypt(token, one);
        await Encrypt(token, two);

        // A batch is admitted whole or not at all, and each of its items counts.
        Refused(await As(token, $"/v1/keys/{one}/encrypt", """{"items":[{"plaintext":"AQ=="},{"plaintext":"AQ=="},{"plaintext":"AQ=="}]}"""), "4 of use per PT1H", 3600);
        (await As(token, $"/v1/keys/{one}/encrypt", """{"items":[{"plaintext":"AQ=="},{"plaintext":"AQ=="}]}""")).Is(HttpStatusCode.OK);
        Refused(await As(token, $"/v1/keys/{two}/encrypt", """{"plaintext":"AQ=="}"""), "4 of use per PT1H", 3600);
        Refused(await As(token, "/v1/random", """{"bytes":1}"""), "4 of use per PT1H", 3600);
        var batch = (await As(token, "/v1/batch", $$"""{"operations":[{"op":"encrypt","key_id":"{{one}}","plaintext":"AQ=="}]}""")).Is(HttpStatusCode.OK);
        Assert.Equal("rate_limited", (string)batch.Json["results"]![0]!["error"]!["code"]!);

        // Windows of other operations have counted nothing of it, and one request can fall under two of them.
        (await As(token, $"/v1/keys/{one}/rotate")).Is(HttpStatusCode.OK);
        (await As(token, $"/v1/keys/{two}/rotate")).Is(HttpStatusCode.OK);
        Refused(await As(token, $"/v1/keys/{two}/rotate"), "2 of keys:rotate per P1D", 86_400);
        (await As(token, $"/v1/keys/{two}/disable")).Is(HttpStatusCode.OK);
        Refused(await As(token, $"/v1/keys/{two}/enable"), "3 of manage per PT30M", 1800);

        // Another principal has its own.
        await Encrypt(await SignUp(Api.NewId(), new { count = 1, per = "PT1H" }), one);
    }

    [Fact]
    public async Task ChangedLimit_KeepsWhatWasCounted_AndALiftedOneCountsNothing()
    {
        var key = await api.NewKey();
        var token = await SignUp(new { count = 1, per = "PT1H" });
        await Encrypt(token, key);
        Refused(await As(token, $"/v1/keys/{key}/encrypt", """{"plaintext":"AQ=="}"""), "1 of use per PT1H", 3600);
        await Limit("""[{"count":3,"per":"PT1H"}]""");
        await Encrypt(token, key);
        await Encrypt(token, key);
        Refused(await As(token, $"/v1/keys/{key}/encrypt", """{"plaintext":"AQ=="}"""), "3 of use per PT1H", 3600);
        await Limit("[]");
        for (var i = 0; i < 5; i++) await Encrypt(token, key);
    }

    [Fact]
    public async Task RefusedByItsPolicy_CountsNothing()
    {
        var key = await api.NewKey();
        var token = await SignUp(new { count = 2, per = "PT1H", of = "*" });
        for (var i = 0; i < 3; i++) (await As(token, "/v1/principals", """{"name":"x"}""")).Is(HttpStatusCode.Forbidden, "permission_denied");
        await Encrypt(token, key);
        await Encrypt(token, key);
        Refused(await As(token, $"/v1/keys/{key}/encrypt", """{"plaintext":"AQ=="}"""), "2 of * per PT1H", 3600);
    }

    private Task<string> SignUp(params object[] limits) => SignUp(_name, limits);

    private async Task<string> SignUp(string name, params object[] limits)
    {
        (await api.Post("/v1/principals", new { name, policies = new[] { "key-user", "key-manager" }, limits })).Is(HttpStatusCode.Created);
        return (string)(await api.Post($"/v1/principals/{name}/tokens", new { })).Is(HttpStatusCode.Created).Json["token"]!;
    }

    private async Task Limit(string limits) => (await api.Patch($"/v1/principals/{_name}", $$"""{"limits":{{limits}}}""")).Is(HttpStatusCode.OK);

    private async Task Encrypt(string token, string key) => (await As(token, $"/v1/keys/{key}/encrypt", """{"plaintext":"AQ=="}""")).Is(HttpStatusCode.OK);

    private static void Refused(Answer answer, string limit, int window)
    {
        answer.Is(HttpStatusCode.TooManyRequests, "rate_limited");
        Assert.Contains($", {limit}, is reached.", (string)answer.Json["detail"]!, StringComparison.Ordinal);
        Assert.InRange(int.Parse(answer.Header("Retry-After"), null), window - 600, window);
    }

    private Task<Answer> As(string token, string path, string? body = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return api.Send(request);
    }
}
