using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Api;

/// <summary>More requests than the grains answer.</summary>
public sealed class OverloadTests
{
    [Fact]
    public async Task Requests_BeyondTheQueue_AreOverloaded_AndHealthAndMetricsAreNot()
    {
        await using var gateway = await SilentGrains.Start(TimeSpan.FromSeconds(5), maxConcurrent: 2, maxQueued: 1);
        var asked = new SemaphoreSlim(0);
        var answers = new List<TaskCompletionSource<Encrypted>>();
        gateway.Answers["Encrypt"] = () =>
        {
            var answer = new TaskCompletionSource<Encrypted>(TaskCreationOptions.RunContinuationsAsynchronously);
            lock (answers) answers.Add(answer);
            asked.Release();
            return new ValueTask<Encrypted>(answer.Task);
        };
        var first = Encrypt(gateway);
        var second = Encrypt(gateway);
        await asked.WaitAsync();
        await asked.WaitAsync();

        // Of the next ones one waits, whichever comes first, and the other is refused.
        Task<HttpResponseMessage>[] more = [Encrypt(gateway), Encrypt(gateway)];
        var refused = await Task.WhenAny(more);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await refused).StatusCode);
        Assert.Equal("1", (await refused).Headers.GetValues("Retry-After").Single());
        Assert.Equal("overloaded", (string)JsonNode.Parse(await (await refused).Content.ReadAsStringAsync())!["code"]!);
        Assert.Equal(HttpStatusCode.OK, (await gateway.Http.GetAsync("/health/live")).StatusCode);
        Assert.Contains("requests_shed_total", await gateway.Http.GetStringAsync("/metrics"), StringComparison.Ordinal);

        lock (answers) answers[0].SetResult(new(1, [1]));
        await asked.WaitAsync();
        lock (answers) answers.ForEach(answer => answer.TrySetResult(new(1, [1])));
        foreach (var answered in new[] { first, second, more.Single(request => request != refused) })
        {
            Assert.Equal(HttpStatusCode.OK, (await answered).StatusCode);
        }
    }

    [Fact]
    public async Task Body_ThatIsOnItsWay_TakesNobodysPlace()
    {
        await using var gateway = await SilentGrains.Start(TimeSpan.FromSeconds(5), maxConcurrent: 1, maxQueued: 0);
        gateway.Answers["Encrypt"] = () => new ValueTask<Encrypted>(new Encrypted(1, [1]));
        var body = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var slow = gateway.Http.PostAsync("/v1/keys/k/encrypt", new SlowBody(begun, body.Task));
        await begun.Task;
        while ((await Encrypt(gateway)).StatusCode != HttpStatusCode.OK)
        {
            // Until the other request's headers have been looked at.
        }

        body.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await slow).StatusCode);
    }

    private static Task<HttpResponseMessage> Encrypt(SilentGrains gateway) =>
        gateway.Http.PostAsJsonAsync("/v1/keys/k/encrypt", new { plaintext = "AQ==" });

    /// <summary>A body whose second half comes when the test says so.</summary>
    private sealed class SlowBody : HttpContent
    {
        private readonly TaskCompletionSource _begun;
        private readonly Task _rest;

        public SlowBody(TaskCompletionSource begun, Task rest)
        {
            (_begun, _rest) = (begun, rest);
            Headers.ContentType = new("application/json");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync("{\"plaintext\":"u8.ToArray());
            await stream.FlushAsync();
            _begun.SetResult();
            await _rest;
            await stream.WriteAsync("\"AQ==\"}"u8.ToArray());
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
