using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Gateway.Cluster;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>What a gateway hands to a silo for the audit trail: all of it, and under a flood no more than it can bear.</summary>
public sealed class CallRecorderTests
{
    [Fact]
    public async Task Flood_IsOneMessageAtATime_OfBoundedSize_AndLosesNoCall()
    {
        var silo = new Silo();
        var recorder = silo.Recorder();
        silo.Hold();
        var recorded = Enumerable.Range(0, 50_000).Select(i => recorder.Record(Refused($"10.0.{i % 5000 / 250}.{i % 250}"))).ToList();
        Assert.DoesNotContain(recorded, task => task.IsCompleted);
        silo.Release();
        await Task.WhenAll(recorded);
        Assert.All(silo.Messages, message => Assert.InRange(message.Calls.Length, 1, GatewayCalls.MaxCalls));
        Assert.Equal(50_000, silo.Messages.Sum(message => message.Calls.Sum(call => call.Times)));
        Assert.Contains(silo.Messages.SelectMany(message => message.Calls), call => call is { Caller.Source: "many", Times: > 1 });
        Assert.InRange(silo.Messages.Count, 1, 3);
    }

    [Fact]
    public async Task FewCalls_AreARecordEach()
    {
        var silo = new Silo();
        var recorder = silo.Recorder();
        silo.Hold();
        var recorded = Enumerable.Range(0, 100).Select(_ => recorder.Record(Refused("10.0.0.1"))).ToList();
        silo.Release();
        await Task.WhenAll(recorded);
        Assert.Equal(100, silo.Messages.Sum(message => message.Calls.Length));
    }

    [Fact]
    public async Task SiloThatCannotRecord_IsTheAnswer()
    {
        var silo = new Silo { Failure = KmsError.AuditUnavailable.Exception() };
        var refused = await Assert.ThrowsAsync<KmsException>(() => silo.Recorder().Record(Refused("10.0.0.1")));
        Assert.Equal(KmsError.AuditUnavailable, refused.Error);
    }

    [Fact]
    public async Task WithoutASilo_NobodyWaits_AndASiloGetsItLater_OnceItCanRecord()
    {
        var silo = new Silo { Failure = new TimeoutException() };
        var link = new ClusterLink(silo.Time, NullLogger<ClusterLink>.Instance);
        var recorder = silo.Recorder(link);
        await recorder.Record(Refused("10.0.0.1"));

        // The disk of the first one that is there is full: what was answered before is kept for when it is not.
        silo.Failure = KmsError.AuditUnavailable.Exception();
        link.Start();
        link.NotifyGatewayCountChanged(1, 0, connectionRecovered: false);
        var refused = Assert.ThrowsAsync<KmsException>(() => recorder.Record(Refused("10.0.0.2")));
        await silo.Pass(until: () => refused.IsCompleted);
        Assert.Equal(KmsError.AuditUnavailable, (await refused).Error);
        silo.Failure = null;
        await silo.Pass(until: () => silo.Messages.Count > 0);
        Assert.Contains("10.0.0.1", silo.Messages.SelectMany(message => message.Calls).Select(call => call.Caller.Source));
    }

    [Fact]
    public async Task SiloThatDoesNotAnswer_OrFails_WithholdsTheAnswer_AndGetsTheCallLater()
    {
        foreach (var failure in (Exception?[])[null, new TimeoutException(), new InvalidOperationException("a silo is ending")])
        {
            var silo = new Silo { Failure = failure };
            if (failure is null) silo.Hold();
            var withheld = Assert.ThrowsAsync<KmsException>(() => silo.Recorder().Record(Refused("10.0.0.1")));
            await silo.Pass(until: () => withheld.IsCompleted);
            Assert.Equal(KmsError.AuditUnavailable, (await withheld).Error);
            silo.Failure = null;
            if (failure is null) silo.Release();
            await silo.Pass(until: () => silo.Messages.Count > 0);
            Assert.Equal("10.0.0.1", Assert.Single(Assert.Single(silo.Messages).Calls).Caller.Source);
        }
    }

    [Fact]
    public async Task SiloThatFailsOnce_AndRecordsInTime_LetsTheAnswerLeave()
    {
        var silo = new Silo { Failure = new TimeoutException() };
        var recorder = silo.Recorder();
        var first = recorder.Record(Refused("10.0.0.1"));
        await silo.Pass(until: () => silo.Failed > 0);
        var second = recorder.Record(Refused("10.0.0.2"));
        silo.Failure = null;
        await silo.Pass(until: () => first.IsCompleted && second.IsCompleted);
        await Task.WhenAll(first, second);
        Assert.Equal(["10.0.0.1", "10.0.0.2"], silo.Messages.SelectMany(message => message.Calls).Select(call => call.Caller.Source));
    }

    [Fact]
    public void CallsWithoutRoom_AreToldApartFromThoseThatWait()
    {
        var waiting = new WaitingCalls();
        for (var i = 0; i < GatewayCalls.MaxCalls; i++)
        {
            Assert.NotNull(waiting.Add(new(new("many", "many", "-"), $"operation:{i}", "unauthenticated")));
        }

        Assert.Null(waiting.Add(new(new("many", "many", "-"), "operation:more", "unauthenticated")));
        Assert.NotNull(waiting.Add(new(new("many", "many", "-"), $"operation:{GatewayCalls.MaxCalls - 1}", "unauthenticated")));
    }

    [Fact]
    public void ChangesThatDiffer_AreNotOneRecord()
    {
        var waiting = new WaitingCalls();
        GatewayCall[] changes = [.. Enumerable.Range(0, 500).Select(i => new GatewayCall(new("admin", "-", "-"), "logging:set", "ok") { Detail = i % 2 == 0 ? "a" : "b" })];
        foreach (var change in changes) Assert.NotNull(waiting.Add(change));
        Assert.Equal([250, 250], ((string[])["a", "b"]).Select(detail => waiting.Calls.Where(call => call.Detail == detail).Sum(call => call.Times)));
    }

    private static GatewayCall Refused(string source) => new(new("anonymous", source, "request"), "service:sign-in", "unauthenticated");

    private sealed class Silo
    {
        private TaskCompletionSource? _gate;
        private int _failed;

        public FakeTimeProvider Time { get; } = new();

        public int Failed => Volatile.Read(ref _failed);

        public List<GatewayCalls> Messages { get; } = [];

        public Exception? Failure { get; set; }

        public CallRecorder Recorder(ClusterLink? link = null) => new(Record, link ?? ClusterLink.InProcess, Time, NullLogger.Instance);

        public void Hold() => _gate = new();

        public void Release() => _gate!.SetResult();

        /// <summary>Lets time pass until something has happened.</summary>
        public async Task Pass(Func<bool> until)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
            while (!until())
            {
                await Task.Delay(1, patience.Token);
                Time.Advance(TimeSpan.FromMilliseconds(100));
            }
        }

        private async Task Record(GatewayCalls calls)
        {
            if (_gate is { } gate) await gate.Task;
            if (Failure is { } failure)
            {
                Interlocked.Increment(ref _failed);
                throw failure;
            }

            Messages.Add(calls);
        }
    }
}
