using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Orleans.Placement.Rebalancing;
using OrleansKms.Grains.Storage;
using OrleansKms.Silo.Clustering;

namespace OrleansKms.Tests.Cluster.Placement;

/// <summary>When the moving of keys is stopped, and for how long.</summary>
public sealed class NoMovesWithoutDatabaseTests : IAsyncLifetime, IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly Health _health = new();
    private readonly Rebalancer _rebalancer;
    private readonly NoMovesWithoutDatabase _service;

    public NoMovesWithoutDatabaseTests()
    {
        _rebalancer = new(_time);
        _service = new(_rebalancer, _health, _time, NullLogger<NoMovesWithoutDatabase>.Instance);
    }

    public async Task InitializeAsync()
    {
        await _service.StartAsync(default);
        // Its timer is there when it has looked for the first time.
        await Until(() =>
        {
            _time.Advance(NoMovesWithoutDatabase.Interval);
            return _health.Looks > 0;
        });
    }

    public Task DisposeAsync() => _service.StopAsync(default);

    public void Dispose() => _service.Dispose();

    [Fact]
    public async Task DatabaseAway_NothingMovesUntilItIsBackForAWhile()
    {
        await Looks(3);
        Assert.Empty(_rebalancer.SuspendedAt);

        _health.IsHealthy = false;
        await Looks(2);
        var first = Assert.Single(_rebalancer.SuspendedAt);

        // Before the rest is over there is another.
        await Looks(50);
        Assert.Equal(2, _rebalancer.SuspendedAt.Count);
        Assert.True(_time.GetElapsedTime(first, _rebalancer.SuspendedAt.Last()) < NoMovesWithoutDatabase.Rest);

        _health.IsHealthy = true;
        await Looks(60);
        Assert.Equal(2, _rebalancer.SuspendedAt.Count);
    }

    [Fact]
    public async Task RebalancerThatDoesNotAnswer_IsAskedAgain()
    {
        _rebalancer.Failure = new TimeoutException();
        _health.IsHealthy = false;
        await Looks(3);
        Assert.Empty(_rebalancer.SuspendedAt);
        _rebalancer.Failure = null;
        await Looks(2);
        Assert.Single(_rebalancer.SuspendedAt);
    }

    /// <summary>Lets the service look so many times. What it did of the last look may be yet to come.</summary>
    private async Task Looks(int times)
    {
        for (var i = 0; i < times; i++)
        {
            var before = _health.Looks;
            _time.Advance(NoMovesWithoutDatabase.Interval);
            await Until(() => _health.Looks > before);
        }
    }

    private static async Task Until(Func<bool> isSo)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!isSo()) await Task.Delay(1, patience.Token);
    }

    private sealed class Health : IStorageHealth
    {
        private int _looks;

        public int Looks => Volatile.Read(ref _looks);

        public bool IsHealthy
        {
            get
            {
                Interlocked.Increment(ref _looks);
                return field;
            }

            set;
        } = true;
    }

    private sealed class Rebalancer(TimeProvider time) : IActivationRebalancer
    {
        public ConcurrentQueue<long> SuspendedAt { get; } = [];

        public Exception? Failure { get; set; }

        public Task SuspendRebalancing(TimeSpan? duration = null)
        {
            if (Failure is not null) return Task.FromException(Failure);
            Assert.Equal(NoMovesWithoutDatabase.Rest, duration);
            SuspendedAt.Enqueue(time.GetTimestamp());
            return Task.CompletedTask;
        }

        public Task ResumeRebalancing() => throw new NotSupportedException();

        public ValueTask<RebalancingReport> GetRebalancingReport(bool force = false) => throw new NotSupportedException();

        public void SubscribeToReports(IActivationRebalancerReportListener listener) => throw new NotSupportedException();

        public void UnsubscribeFromReports(IActivationRebalancerReportListener listener) => throw new NotSupportedException();
    }
}
