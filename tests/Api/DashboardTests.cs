using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Api;

/// <summary>The Orleans Dashboard of a silo by itself, whose collection of counters begins when somebody first opens it.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class DashboardTests(DefaultApi api)
{
    [Fact]
    public async Task Dashboard_ShowsCounters_ToTheAdministratorAndToOperators()
    {
        await api.Encrypt(await api.NewKey(), [1]);
        foreach (var password in (string[])[api.Token, await TokenOf("administrator")])
        {
            var page = (await Get(password, "/")).Is(HttpStatusCode.OK);
            Assert.Equal("text/html", page.Response.Content.Headers.ContentType!.MediaType);
            Assert.Contains("index.min.js", page.Text, StringComparison.Ordinal);
            (await Get(password, "/index.min.js")).Is(HttpStatusCode.OK);

            var silo = (string)Assert.Single((await Json(password, "/DashboardCounters"))["hosts"]!.AsArray())!["siloAddress"]!;
            var key = "";
            await Until(async () => (key = KeysIn(await Json(password, "/DashboardCounters"))) is not "");
            await Until(async () => (await Json(password, "/GrainStats/" + key)).ToJsonString().Contains("Encrypt", StringComparison.Ordinal));

            // What the silo's own meters say, which only the deferred collection brings.
            await Until(async () => (await Json(password, "/SiloCounters/" + silo)).AsArray().Count > 0);
        }
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/index.min.js")]
    [InlineData("/DashboardCounters")]
    [InlineData("/SiloCounters/x")]
    [InlineData("/GrainState")]
    public async Task Dashboard_IsClosed_ToWhoMayNotSeeIt(string path)
    {
        var unknown = (await Get(null, path)).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        Assert.Contains("Basic", unknown.Header("WWW-Authenticate"), StringComparison.Ordinal);
        (await Get("okms_0123456789abcdef_" + new string('A', 43), path)).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        (await Get(await TokenOf("key-user"), path)).Is(HttpStatusCode.Forbidden, "permission_denied");
    }

    // The type of key grains, once one is counted.
    private static string KeysIn(JsonNode counters) =>
        counters["simpleGrainStats"]!.AsArray().Where(one => (long)one!["activationCount"]! > 0)
            .Select(one => (string)one!["grainType"]!).FirstOrDefault(type => type.EndsWith(".KeyGrain", StringComparison.Ordinal)) ?? "";

    private async Task<string> TokenOf(string policy)
    {
        var name = Api.NewId();
        (await api.Post("/v1/principals", new { name, policies = new[] { policy } })).Is(HttpStatusCode.Created);
        return (string)(await api.Post($"/v1/principals/{name}/tokens")).Is(HttpStatusCode.Created).Json["token"]!;
    }

    private async Task<JsonNode> Json(string password, string path) => (await Get(password, path)).Is(HttpStatusCode.OK).Json;

    // As a browser signs in.
    private async Task<Answer> Get(string? password, string path)
    {
        using var http = new HttpClient { BaseAddress = api.Http.BaseAddress };
        var request = new HttpRequestMessage(HttpMethod.Get, "/dashboard" + path);
        if (password is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes("anybody:" + password)));
        return await Api.Send(http, request);
    }

    private static async Task Until(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(ServiceProcess.Patience);
        while (!await condition())
        {
            Assert.False(patience.IsCancellationRequested);
            await Task.Delay(100);
        }
    }
}
