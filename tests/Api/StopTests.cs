using System.Net;

namespace OrleansKms.Tests.Api;

/// <summary>A service that goes on for a while after it was told to stop.</summary>
public sealed class DrainingApi : Api
{
    public DrainingApi()
        : base(("OKMS_DRAIN_DELAY", "PT30S"), ("OKMS_SHUTDOWN_TIMEOUT", "PT60S"))
    {
    }
}

/// <summary>The first moments of a graceful stop.</summary>
public sealed class StopTests(DrainingApi api) : IClassFixture<DrainingApi>
{
    [Fact]
    public async Task Stop_TurnsReadyOffFirst_WhileRequestsAreStillServed()
    {
        var id = await api.NewKey();
        (await api.Get("/health/ready")).Is(HttpStatusCode.OK);
        api.Service.Terminate();
        while (await Ready() == HttpStatusCode.OK)
        {
            await Task.Yield();
        }

        Assert.Equal(HttpStatusCode.ServiceUnavailable, await Ready());
        (await api.Get("/health/live")).Is(HttpStatusCode.OK);
        await api.Encrypt(id, [1]);
    }

    // Readiness answers its own form, not a problem.
    private async Task<HttpStatusCode> Ready() =>
        (await api.Send(new HttpRequestMessage(HttpMethod.Get, "/health/ready"), checkProblem: false)).Status;
}
