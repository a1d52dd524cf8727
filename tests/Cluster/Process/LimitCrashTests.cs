using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>kill -9, again and again, of a service whose key has a limit: it answers never one more than the limit says.</summary>
public sealed class LimitCrashTests
{
    private const int Limit = 400;
    private const int Callers = 8;

    [Fact]
    public async Task KilledUnderLoad_TheKeyAnswersNeverMoreThanItsLimit()
    {
        using var directory = new TemporaryDirectory();
        var answered = 0;
        var begun = Stopwatch.StartNew();
        for (var round = 0; round < 4; round++)
        {
            await using var service = await ServiceProcess.Start(directory.Path);
            if (round == 0)
            {
                using var created = await service.Http.PostAsJsonAsync(
                    "/v1/keys", new { id = "limited", limits = new[] { new { count = Limit, per = "PT1H" } } });
                Assert.Equal(HttpStatusCode.Created, created.StatusCode);
            }

            var until = answered + (Limit / 8);
            await Task.WhenAll(Enumerable.Range(0, Callers).Select(async _ =>
            {
                // The last round goes on until the limit is reached.
                while ((round == 3 || Volatile.Read(ref answered) < until) && await IsAnswered(service.Http))
                {
                    if (Interlocked.Increment(ref answered) == until && round < 3) await service.Kill();
                }
            }));
        }

        Assert.True(begun.Elapsed < TimeSpan.FromHours(1));

        // What each crash takes away is what was reserved: at most a sixteenth of the limit, and what was in flight.
        Assert.InRange(answered, Limit - (3 * ((Limit / 16) + Callers)), Limit);
    }

    private static async Task<bool> IsAnswered(HttpClient http)
    {
        try
        {
            using var answer = await http.PostAsJsonAsync("/v1/keys/limited/encrypt", new { plaintext = "AAAA" });
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
