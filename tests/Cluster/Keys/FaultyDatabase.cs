using System.Data.Common;
using DbUp.Builder;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>
/// A real database with a gate before and after each batch of rows, under whatever gathers them: the points with even numbers are before.
/// </summary>
internal sealed class FaultyDatabase(Database inner) : Database
{
    public Gate Gate { get; } = new();

    public override string Invariant => inner.Invariant;

    public override DbDataSource Connections => inner.Connections;

    public override string MigrationFolder => inner.MigrationFolder;

    public override string LiveRows => inner.LiveRows;

    public override string Probe => inner.Probe;

    public override bool IsShared => inner.IsShared;

    public override string LiveSilos => inner.LiveSilos;

    public override UpgradeEngineBuilder Migrations => inner.Migrations;

    public override int RowLanes => inner.RowLanes;

    public override int ReadLanes => inner.ReadLanes;

    public override Task<DateTimeOffset?> ReadTime(CancellationToken cancellationToken) => inner.ReadTime(cancellationToken);

    public override Task RequireRoom(CancellationToken cancellationToken) => inner.RequireRoom(cancellationToken);

    public override string Explain(Exception failure) => inner.Explain(failure);

    public override Task Prepare(CancellationToken cancellationToken) => inner.Prepare(cancellationToken);

    public override Task<IAsyncDisposable> LockSchema(CancellationToken cancellationToken) => inner.LockSchema(cancellationToken);

    public override Task<IAsyncDisposable?> TryLockResealing(CancellationToken cancellationToken) => inner.TryLockResealing(cancellationToken);

    public override Task<T> WhenReachable<T>(Func<Task<T>> attempt, CancellationToken cancellationToken) => inner.WhenReachable(attempt, cancellationToken);

    public override Task<bool> MayMigrate(CancellationToken cancellationToken) => inner.MayMigrate(cancellationToken);

    public override Task RemoveSilos(CancellationToken cancellationToken) => inner.RemoveSilos(cancellationToken);

    public override Task<T> Read<T>(Func<Task<T>> call) => inner.Read(call);

    public override Task<T> Write<T>(Func<Task<T>> call) => inner.Write(call);

    public override Task<T> WriteRow<T>(Func<Task<T>> call) => inner.WriteRow(call);

    public override void CloseIdle() => inner.CloseIdle();

    public override bool IsDuplicate(Exception failure) => inner.IsDuplicate(failure);

    public override bool IsOutcomeUnknown(Exception failure) => inner.IsOutcomeUnknown(failure);

    public override bool IsMissingReference(Exception failure) => inner.IsMissingReference(failure);

    public override async Task WriteRows(string serviceId, IReadOnlyList<RowWrite> writes)
    {
        await Gate.Point();
        await inner.WriteRows(serviceId, writes);
        await Gate.Point();
    }

    public override async Task ReadRows(string serviceId, IReadOnlyList<RowRead> reads)
    {
        await Gate.Point();
        await inner.ReadRows(serviceId, reads);
        await Gate.Point();
    }

    public override void Dispose() => inner.Dispose();
}
