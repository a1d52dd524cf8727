using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansKms.Grains.Presence;
using OrleansKms.Tests.Cluster.Keys;

namespace OrleansKms.Tests.Cluster.Approvals;

/// <summary>Dual control where the database was put back, or is older than dual control.</summary>
public sealed class RestoredApprovalTests(EmbeddedDualControl kms) : IClassFixture<EmbeddedDualControl>
{
    [Fact]
    public async Task Restored_WhatWaitedAtTheBackup_IsVoid()
    {
        await kms.Make("restored", DualControlFixture.Rule(1, ["rotate"]));
        var asked = await kms.AskToRotate("restored");
        await kms.Restart(async () =>
        {
            await kms.Database.Restore(await kms.Database.Backup());
            await RestoreEpochStore.Begin(kms.Database.Options, kms.Time, TimeSpan.MaxValue, NullLoggerFactory.Instance, default);
            kms.Time.Advance(TimeSpan.FromHours(2));
        });
        await DualControlFixture.Refused("conflict", () => kms.Approve(asked, "alice"));
        var voided = await kms.Describe(asked);
        Assert.Equal(ApprovalState.Cancelled, voided.State);
        Assert.Contains("restored", voided.Detail, StringComparison.Ordinal);
        Assert.NotEqual(asked.Id, (await kms.AskToRotate("restored")).Id);
    }

    [Fact]
    public async Task WhileAnOlderProgramMayRun_NoKeyGetsARule()
    {
        // After a restore there is a number for a new version each second.
        kms.Time.Advance(TimeSpan.FromHours(2));
        await kms.Make("old", null);
        await KeyDatabase.Scalar(kms.Silo, "UPDATE okms_schema SET least_program_version = 2, feature_level = 3");
        await kms.Restart();
        await DualControlFixture.Refused("conflict", () => kms.Update("old", DualControlFixture.Rule(1, ["rotate"])));
        await DualControlFixture.Refused("conflict", () => kms.Make("new", DualControlFixture.Rule(1, ["rotate"])));
        Assert.Null((await kms.Row("old")).Approval);
        await kms.Silo.Services.GetRequiredService<FeatureLevels>().Raise(default);
        Assert.Equal(1, (await kms.Update("old", DualControlFixture.Rule(1, ["rotate"]))).Approval!.Required);
    }
}
