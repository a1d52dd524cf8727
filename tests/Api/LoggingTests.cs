using System.Net;

namespace OrleansKms.Tests.Api;

/// <summary>What the running service logs, changed by its route and by signals.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class LoggingTests(DefaultApi api) : IAsyncLifetime
{
    private const string Route = "/v1/admin/logging";

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => (await api.Put(Route, new { })).Is(HttpStatusCode.OK);

    [Fact]
    public async Task Answer_SaysWhichProcessLogsWhat()
    {
        var answer = (await api.Get(Route)).Is(HttpStatusCode.OK).Json;
        Assert.Equal(["process", "level", "requests"], answer.AsObject().Select(field => field.Key));
        Assert.EndsWith($":{api.Service.Id}", (string)answer["process"]!, StringComparison.Ordinal);
        Assert.Equal(("info", true), ((string)answer["level"]!, (bool)answer["requests"]!));
    }

    [Fact]
    public async Task LinesOfRequests_GoAndComeBack()
    {
        var seen = await Request();
        (await api.Put(Route, new { requests = false })).Is(HttpStatusCode.OK);
        var unseen = await Request();
        Assert.True((bool)(await api.Put(Route, new { })).Is(HttpStatusCode.OK).Json["requests"]!);
        await Said(await Request());
        await Said(seen);
        Assert.DoesNotContain(api.Service.Output, line => line.Contains(unseen, StringComparison.Ordinal));
    }

    // Probes have their line at debug.
    [Fact]
    public async Task Level_ChangesAtOnce_AndGoesBackAfterItsTime()
    {
        var answer = (await api.Put(Route, new { level = "debug", expires_in = "PT1S" })).Is(HttpStatusCode.OK).Json;
        Assert.Equal("debug", (string)answer["level"]!);
        Assert.NotNull(answer["expires_at"]);
        await Said(await Request("/health/live"));
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while ((string)(await api.Get(Route)).Json["level"]! != "info") await Task.Delay(50, patience.Token);
        var unseen = await Request("/health/live");
        await Said(await Request());
        Assert.DoesNotContain(api.Service.Output, line => line.Contains(unseen, StringComparison.Ordinal));
        await api.Service.UntilSaid("The log is at info, with a line for each request, until further notice.");
    }

    [Fact]
    public async Task Trail_TellsWhatWasSet()
    {
        (await api.Put(Route, new { level = "warn", requests = false, expires_in = "PT17M" })).Is(HttpStatusCode.OK);
        (await api.Put(Route, new { })).Is(HttpStatusCode.OK);
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        string[] wanted = ["level warn, requests false, for PT17M", "level as started, requests as started, for good"];
        while (wanted.Except((await api.Get("/v1/audit?action=logging:set")).Is(HttpStatusCode.OK).Json["records"]!.AsArray().Select(record => (string?)record!["detail"])).Any())
        {
            await Task.Delay(50, patience.Token);
        }
    }

    [Fact]
    public async Task Signals_ChangeTheLevel()
    {
        api.Service.Signal("USR1");
        await UntilLevel("debug");
        Assert.NotNull((await api.Get(Route)).Json["expires_at"]);
        await Said(await Request("/health/live"));
        api.Service.Signal("USR2");
        await UntilLevel("info");
    }

    [Theory]
    [InlineData("""{"level":"loud"}""", "invalid_parameter")]
    [InlineData("""{"level":"DEBUG"}""", "invalid_parameter")]
    [InlineData("""{"expires_in":"PT0S"}""", "invalid_parameter")]
    [InlineData("""{"expires_in":"P8D"}""", "invalid_parameter")]
    [InlineData("""{"levels":"debug"}""", "invalid_request")]
    public async Task WhatCannotBe_IsRefused(string body, string code) =>
        (await api.Body(HttpMethod.Put, Route, System.Text.Encoding.UTF8.GetBytes(body))).Is(HttpStatusCode.BadRequest, code);

    private async Task<string> Request(string path = "/v1/whoami")
    {
        var id = Api.NewId();
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("X-Request-Id", id);
        (await api.Send(request)).Is(HttpStatusCode.OK);
        return id;
    }

    private Task Said(string id) => api.Service.UntilSaid(id);

    private async Task UntilLevel(string level)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while ((string)(await api.Get(Route)).Json["level"]! != level) await Task.Delay(20, patience.Token);
    }
}
