using Microsoft.Extensions.Options;
using Orleans.Configuration;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>The real question to the real database, which a test can hold up, let fail, and make come from another server.</summary>
internal sealed class HeldQuery(Database database, CurrentEpoch epoch, IOptions<ClusterOptions> cluster, ILocalSiloDetails silo)
    : FenceQuery(database, epoch, cluster, silo)
{
    private volatile TaskCompletionSource? _held;
    private volatile TaskCompletionSource _began = new();

    /// <summary>Whether the database is out of reach.</summary>
    public bool Fails { get; set; }

    /// <summary>Whether another server has taken the place of the one that was asked last.</summary>
    public bool Failover { get; set; }

    /// <summary>Completes when a poll is held.</summary>
    public Task Began => _began.Task;

    public void Hold()
    {
        _began = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public void Release()
    {
        var held = _held!;
        _held = null;
        held.SetResult();
    }

    public override async Task<FencePosition> Poll(FencePosition? last, Fence fence, CancellationToken cancellationToken)
    {
        if (_held is { } held)
        {
            _began.TrySetResult();
            await held.Task;
        }

        if (Fails)
        {
            throw new DatabaseUnreachableException(new IOException("no route"));
        }

        return await base.Poll(Failover ? last! with { Server = "another" } : last, fence, cancellationToken);
    }
}
