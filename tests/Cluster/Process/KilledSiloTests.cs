using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>kill -9 of each silo of a cluster in turn, under load through a gateway: what was audited, and what a key admits.</summary>
public sealed class KilledSiloTests(SilosToKill silos) : IClassFixture<SilosToKill>
{
    private const int Callers = 6;

    [Fact]
    public async Task MixedLoad_EveryAnsweredOperationIsInATrail_WhichIsWholeAtTheCrash_AndGoesOn()
    {
        await using var load = new MixedLoad(silos.Gateway, "mixed");
        load.Start();
        var beforeRestart = new HashSet<string>[SilosToKill.Count];
        for (var place = 0; place < SilosToKill.Count; place++)
        {
            await load.UntilMore(400);
            await silos.Kill(place);
            await load.UntilMore(200);
            await silos.RequireWholeLog(place);
            beforeRestart[place] = [.. load.Answered.Keys];
            await silos.Start(place);

            // Some of the keys that are created from here on are placed there.
            await load.UntilMore(400);
        }

        await load.Stop();
        await silos.Restart();
        var recorded = new Dictionary<string, string>();
        for (var place = 0; place < SilosToKill.Count; place++)
        {
            await silos.RequireWholeLog(place);
            var own = silos.RecordsOf(place).Where(record => record.GetProperty("outcome").GetString() == "ok" && record.TryGetProperty("request_id", out _))
                .Select(record => (Id: record.GetProperty("request_id").GetString()!, Action: record.GetProperty("action").GetString()!)).ToList();
            Assert.Contains(own, one => beforeRestart[place].Contains(one.Id));
            Assert.Contains(own, one => load.Answered.ContainsKey(one.Id) && !beforeRestart[place].Contains(one.Id));
            foreach (var (id, action) in own) recorded[id] = action;
        }

        Assert.Equal(["keys:create", "keys:decrypt", "keys:encrypt", "keys:rotate", "keys:sign"], load.Answered.Values.Distinct().Order(StringComparer.Ordinal));
        Assert.DoesNotContain(load.Answered, answer => recorded.GetValueOrDefault(answer.Key) != answer.Value);
    }

    /// <summary>
    /// Each silo is killed once, so the one that has the key is, wherever it is. Two limits: one whose window does not end in the test, and
    /// one whose window slides through the kills.
    /// </summary>
    [Fact]
    public async Task KeyWithALimit_AdmitsNeverOneMoreInAnyWindow()
    {
        var (whole, sliding) = (new LimitedKey(silos.Gateway, "limited.whole", 1_600, TimeSpan.FromHours(1)), new LimitedKey(silos.Gateway, "limited.sliding", 60, TimeSpan.FromSeconds(2)));
        await whole.Create();
        await sliding.Create();
        using var stop = new CancellationTokenSource();
        whole.MayAdmit = 800;
        var callers = Enumerable.Range(0, Callers).SelectMany(_ => new[] { whole.Call(stop.Token), sliding.Call(stop.Token) }).ToList();
        for (var place = 0; place < SilosToKill.Count; place++)
        {
            await Until(() => whole.Admitted >= (800 * place) + 200 && sliding.Admitted >= 60);
            await silos.Kill(place);
            var (before, admitted) = (whole.Admitted, sliding.Admitted);
            await Until(() => (whole.Admitted > before || whole.Admitted >= whole.MayAdmit) && sliding.Admitted > admitted);
            await silos.Start(place);
            whole.MayAdmit = place == 0 ? 1_200 : int.MaxValue;
        }

        await Until(() => whole.HasRefused);
        var after = sliding.Admitted;
        await Until(() => sliding.Admitted > after + 120);
        await stop.CancelAsync();
        await Task.WhenAll(callers);
        whole.RequireLimit();
        sliding.RequireLimit();
        Assert.True(sliding.HasRefused);

        // What a crash takes away is what was reserved, a sixteenth, and what was in flight.
        Assert.InRange(whole.Admitted, whole.Limit * 3 / 4, whole.Limit);

        async Task Until(Func<bool> isSo)
        {
            using var patience = new CancellationTokenSource(ServiceProcess.Patience);
            while (!isSo())
            {
                if (callers.Find(caller => caller.IsFaulted) is { } failed) await failed;
                Assert.False(patience.IsCancellationRequested, $"{whole.Admitted} and {sliding.Admitted} were admitted.\n{silos}");
                await Task.Delay(1);
            }
        }
    }

    /// <summary>A key with a limit, and when each use that it admitted was asked for and answered.</summary>
    private sealed class LimitedKey(ServiceProcess gateway, string id, int limit, TimeSpan per)
    {
        private readonly ConcurrentQueue<(long Sent, long Answered)> _admitted = new();
        private volatile int _mayAdmit = int.MaxValue;
        private volatile bool _hasRefused;

        public int Limit => limit;

        public int Admitted => _admitted.Count;

        public bool HasRefused => _hasRefused;

        /// <summary>How many uses are asked for at most, apart from those in flight.</summary>
        public int MayAdmit { get => _mayAdmit; set => _mayAdmit = value; }

        public async Task Create() => await ClusterProcesses.Until(() => gateway.Http.Post("/v1/keys", new()
        {
            ["id"] = id,
            ["limits"] = new System.Text.Json.Nodes.JsonArray(new System.Text.Json.Nodes.JsonObject { ["count"] = limit, ["per"] = System.Xml.XmlConvert.ToString(per) }),
        }));

        public async Task Call(CancellationToken stop)
        {
            while (!stop.IsCancellationRequested)
            {
                if (Admitted >= MayAdmit) await Task.Delay(1, CancellationToken.None);
                else await Use();
            }
        }

        /// <summary>All of a set of uses that were asked for and answered within a window were admitted within it.</summary>
        public void RequireLimit()
        {
            var window = (long)(per.TotalSeconds * Stopwatch.Frequency);
            var all = _admitted.ToArray();
            foreach (var (from, _) in all)
            {
                var within = all.Count(use => use.Sent >= from && use.Answered < from + window);
                Assert.True(within <= limit, $"{id}: {within} uses in {per}, not {limit}.");
            }
        }

        private async Task Use()
        {
            try
            {
                var sent = Stopwatch.GetTimestamp();
                using var answer = await gateway.Http.PostAsJsonAsync($"/v1/keys/{id}/encrypt", new { plaintext = "AAAA" });
                if (answer.StatusCode == HttpStatusCode.OK) _admitted.Enqueue((sent, Stopwatch.GetTimestamp()));
                _hasRefused |= answer.StatusCode == HttpStatusCode.TooManyRequests;
                if (!answer.IsSuccessStatusCode) await Task.Delay(10);
            }
            catch (HttpRequestException)
            {
                // Nothing is known of it; it may have been admitted.
            }
        }
    }
}
