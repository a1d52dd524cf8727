using Microsoft.Extensions.Time.Testing;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Storage;
using OrleansKms.Tests.Cluster.Keys;

namespace OrleansKms.Tests.Cluster.Approvals;

/// <summary>A silo on a database of either kind, with a clock that the test moves; shared by the tests of dual control.</summary>
public abstract class DualControlFixture(string kind) : IAsyncLifetime, IDisposable
{
    internal static readonly TimeSpan Week = TimeSpan.FromDays(7);

    private KeyDatabase _database = null!;

    internal FakeTimeProvider Time { get; } = new(new(2026, 10, 1, 0, 0, 0, TimeSpan.Zero));

    internal TestSilo Silo { get; private set; } = null!;

    internal KeyDatabase Database => _database;

    public async Task InitializeAsync()
    {
        _database = await KeyDatabase.Make(kind);
        Silo = await Start();
    }

    public async Task DisposeAsync() => await Silo.DisposeAsync();

    public void Dispose()
    {
        _database.Dispose();
        GC.SuppressFinalize(this);
    }

    internal Task<TestSilo> Start() => TestSilo.Start(_database.Options, time: Time);

    internal async Task Restart(Func<Task>? between = null)
    {
        await Silo.DisposeAsync();
        if (between is not null) await between();
        Silo = await Start();
    }

    internal static Caller As(string principal, string? credential = null) => new(principal, "local", "request-of-" + principal) { Credential = credential };

    internal static ApprovalRule Rule(int required, string[] operations, params string[] approvers) =>
        new(operations, required, approvers.Length == 0 ? ["alice", "bob", "carol"] : approvers, Week);

    internal IKeyApprovalsGrain Approvals(string key) => Silo.Grains.GetGrain<IKeyApprovalsGrain>(key);

    internal Task<KeyDescription> Make(string id, ApprovalRule? rule) =>
        Silo.Key(id).Create(new() { Caller = As("dave"), Approval = rule });

    internal Task<KeyDescription> Update(string id, ApprovalRule? rule, string by = "dave") =>
        Silo.Key(id).Update(new() { Caller = As(by), Approval = new(true, rule) });

    internal Task<ApprovalDescription> AskToRotate(string id) => Waits(() => Silo.Key(id).Rotate(new(As("dave"))));

    internal Task<ApprovalDescription> Approve(ApprovalDescription approval, string by, string? credential = null) =>
        Approvals(approval.KeyId).Approve(new(As(by, credential), approval.Id));

    internal Task<ApprovalDescription> Describe(ApprovalDescription approval) =>
        Approvals(approval.KeyId).Describe(new(As("dave"), approval.Id));

    internal async Task<KeyRow> Row(string id)
    {
        var slot = new RowSlot<KeyRow>(Silo.Rows, GrainId.Create("key", id), RowNames.Key);
        await slot.Read();
        return slot.Row!;
    }

    internal async Task<KeyApprovalsRow?> Index(string id)
    {
        var slot = new RowSlot<KeyApprovalsRow>(Silo.Rows, GrainId.Create("key", id), RowNames.KeyApprovals);
        await slot.Read();
        return slot.Row;
    }

    /// <summary>The approval that an operation is told to wait for.</summary>
    internal static async Task<ApprovalDescription> Waits(Func<Task> operation)
    {
        var refusal = await Assert.ThrowsAsync<KmsException>(operation);
        Assert.Equal("approval_pending", refusal.Code);
        return refusal.Approval!;
    }

    internal static async Task Refused(string code, Func<Task> operation) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<KmsException>(operation)).Code);
}

/// <summary>On the embedded database.</summary>
public sealed class EmbeddedDualControl() : DualControlFixture("sqlite");

/// <summary>On Postgres.</summary>
public sealed class PostgresDualControl() : DualControlFixture("postgres");
