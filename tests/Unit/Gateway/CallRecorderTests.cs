using Microsoft.Extensions.Logging.Abstractions;
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
    public async Task SiloThatIsAway_IsNotWaitedFor_AndGetsItLater()
    {
        var silo = new Silo { Failure = new TimeoutException() };
        var recorder = silo.Recorder();
        await recorder.Record(Refused("10.0.0.1"));
        silo.Failure = null;
        await recorder.Record(Refused("10.0.0.2"));
        await silo.UntilRecorded(2);
        Assert.Equal(["10.0.0.1", "10.0.0.2"], silo.Messages.SelectMany(message => message.Calls).Select(call => call.Caller.Source));
    }

    private static GatewayCall Refused(string source) => new(new("anonymous", source, "request"), "service:sign-in", "unauthenticated");

    private sealed class Silo
    {
        private readonly TaskCompletionSource _all = new();
        private TaskCompletionSource? _gate;
        private int _wanted = int.MaxValue;

        public List<GatewayCalls> Messages { get; } = [];

        public Exception? Failure { get; set; }

        public CallRecorder Recorder() => new(Record, ClusterLink.InProcess, TimeProvider.System, NullLogger.Instance);

        public void Hold() => _gate = new();

        public void Release() => _gate!.SetResult();

        public Task UntilRecorded(int calls)
        {
            lock (Messages)
            {
                _wanted = calls;
                Tell();
            }

            return _all.Task.WaitAsync(TimeSpan.FromMinutes(2));
        }

        private async Task Record(GatewayCalls calls)
        {
            if (_gate is { } gate) await gate.Task;
            if (Failure is { } failure) throw failure;
            lock (Messages)
            {
                Messages.Add(calls);
                Tell();
            }
        }

        private void Tell()
        {
            if (Messages.Sum(message => message.Calls.Length) >= _wanted) _all.TrySetResult();
        }
    }
}
