using System.Net;

namespace OrleansKms.Tests.Api;

/// <summary>A service with a rate limit.</summary>
public sealed class LimitedApi : Api
{
    public LimitedApi()
        : base(("OKMS_RATE_LIMIT", "1"), ("OKMS_RATE_LIMIT_BURST", "3"))
    {
    }
}

/// <summary>More requests than a principal may make.</summary>
public sealed class RateTests(LimitedApi api) : IClassFixture<LimitedApi>
{
    [Fact]
    public async Task Requests_BeyondTheRate_AreRateLimited_AndHealthIsNot()
    {
        var answer = await UntilLimited(() => api.Get("/v1/keys"));
        answer.Is(HttpStatusCode.TooManyRequests, "rate_limited");
        Assert.InRange(int.Parse(answer.Header("Retry-After"), null), 1, 60);
        var anonymous = new HttpRequestMessage(HttpMethod.Get, "/health");
        anonymous.Headers.TryAddWithoutValidation("Authorization", "");
        (await api.Send(anonymous)).Is(HttpStatusCode.OK);
    }

    [Fact]
    public async Task FailedSignIns_BeyondTheRate_AreRateLimited()
    {
        var answer = await UntilLimited(() =>
        {
            var request = new HttpRequestMessage(HttpMethod.Get, "/v1/keys");
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer wrong");
            return api.Send(request);
        });
        answer.Is(HttpStatusCode.TooManyRequests, "rate_limited");
    }

    private static async Task<Answer> UntilLimited(Func<Task<Answer>> send)
    {
        // Many at once, so that however slow the machine is, they come faster than one a second.
        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => send()));
        Assert.Contains(answers, a => a.Status != HttpStatusCode.TooManyRequests);
        return answers.First(a => a.Status == HttpStatusCode.TooManyRequests);
    }
}
