using Microsoft.Extensions.Time.Testing;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>The scheduled deletion, which has to happen whatever becomes of the silo that took it.</summary>
public sealed class DeletionTests : IDisposable
{
    private static readonly byte[] _plaintext = "a key that ends"u8.ToArray();
    private readonly FakeTimeProvider _time = new(new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly ChangeLog _log = new();
    private readonly CancellationTokenSource _patience = new(TimeSpan.FromMinutes(2));
    private KeyDatabase _database = null!;

    public void Dispose()
    {
        _database.Dispose();
        _patience.Dispose();
    }

    private async Task<TestSilo> Start(string kind)
    {
        _database ??= await KeyDatabase.Make(kind);
        return await TestSilo.Start(
            _database.Options, time: _time, keys: new() { MinDeletionDelay = TimeSpan.FromHours(1) }, log: _log);
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task Scheduled_ThenEverySiloDies_IsDoneOnceByTheNextAndLeavesNoMaterial(string kind)
    {
        ReadOnlyMemory<byte>[] material;
        await using (var first = await Start(kind))
        {
            await first.Create("doomed");
            await first.Key("doomed").Encrypt(new(TestSilo.Caller, _plaintext));
            await first.Key("doomed").Rotate(new(TestSilo.Caller));
            material = [await Material<KeyVersionRow>(first, RowNames.KeyVersion(1)), await Material<KeyRow>(first, RowNames.Key)];
            await first.Key("doomed").ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(2)));
            foreach (var bytes in material)
            {
                Assert.True(await KeyDatabase.Holds(first, bytes));
            }

            // Due while no silo was there, and a period so short that the test need not wait ten minutes.
            Assert.Equal(1, await KeyDatabase.Count(first, "okms_reminder"));
            await KeyDatabase.Scalar(first, kind == "postgres"
                ? "UPDATE okms_reminder SET period = 1000, start_time = now() - interval '1 minute'"
                : "UPDATE okms_reminder SET period = 1000, start_time = strftime('%Y-%m-%d %H:%M:%f', 'now', '-1 minute')");
            await first.Kill();
        }

        _time.Advance(TimeSpan.FromHours(3));
        await using var second = await Start(kind);
        await _log.Until("destroy", _patience.Token);
        while (await KeyDatabase.Count(second, "okms_reminder") != 0)
        {
            await Task.Delay(50, _patience.Token);
        }

        Assert.Equal(KeyState.Destroyed, (await second.Key("doomed").Describe(new(TestSilo.Caller))).State);
        Assert.Equal(1, _log.Count("destroy"));
        foreach (var bytes in material)
        {
            Assert.False(await KeyDatabase.Holds(second, bytes));
        }
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task VersionsScheduled_ThenEverySiloDies_AreDestroyedOnceByTheNext_AndNoOtherIs(string kind)
    {
        var material = new List<ReadOnlyMemory<byte>>();
        Encrypted kept;
        await using (var first = await Start(kind))
        {
            await first.Create("doomed");
            for (var version = 1; version <= 4; version++)
            {
                kept = await first.Key("doomed").Encrypt(new(TestSilo.Caller, _plaintext));
                await first.Key("doomed").Rotate(new(TestSilo.Caller));
                material.Add(await Material<KeyVersionRow>(first, RowNames.KeyVersion(version)));
            }

            kept = await first.Key("doomed").Encrypt(new(TestSilo.Caller, _plaintext));
            for (var version = 1; version <= 3; version++)
            {
                await first.Versions("doomed").ScheduleDestruction(new(TestSilo.Caller, version, TimeSpan.FromHours(2)));
            }

            await first.Versions("doomed").CancelDestruction(new(TestSilo.Caller, 3));
            Assert.Equal(1, await KeyDatabase.Count(first, "okms_reminder"));
            await KeyDatabase.Scalar(first, kind == "postgres"
                ? "UPDATE okms_reminder SET period = 1000, start_time = now() - interval '1 minute'"
                : "UPDATE okms_reminder SET period = 1000, start_time = strftime('%Y-%m-%d %H:%M:%f', 'now', '-1 minute')");
            await first.Kill();
        }

        _time.Advance(TimeSpan.FromHours(3));
        await using var second = await Start(kind);
        while (_log.Count("destroy-version") < 2 || await KeyDatabase.Count(second, "okms_reminder") != 0)
        {
            await Task.Delay(50, _patience.Token);
        }

        var key = await second.Key("doomed").Describe(new(TestSilo.Caller));
        Assert.Equal(
            [KeyVersionState.Destroyed, KeyVersionState.Destroyed, KeyVersionState.Disabled, KeyVersionState.Enabled, KeyVersionState.Enabled],
            key.Versions.Select(v => v.State));
        Assert.Equal(2, _log.Count("destroy-version"));
        bool[] stored = await Task.WhenAll(material.Select(m => KeyDatabase.Holds(second, m)));
        Assert.Equal([false, false, true, true], stored);
        Assert.Equal(_plaintext, (await second.Key("doomed").Decrypt(new(TestSilo.Caller, kept.Ciphertext))).Plaintext);
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task Reminder_ThatWasLost_IsMadeAgainWhenTheKeyIsTouched(string kind)
    {
        await using (var first = await Start(kind))
        {
            await first.Create("forgotten");
            await first.Key("forgotten").ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(2)));
            await KeyDatabase.Scalar(first, "DELETE FROM okms_reminder");
        }

        await using var second = await Start(kind);
        Assert.Equal("key_pending_deletion", (await second.Key("forgotten").Validate(new(TestSilo.Caller))).Error);
        Assert.Equal(1, await KeyDatabase.Count(second, "okms_reminder"));
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task RotationPlans_CostNoReminder(string kind)
    {
        await using var silo = await Start(kind);
        for (var i = 0; i < 100; i++)
        {
            await silo.Create($"planned.{i}", new(TimeSpan.FromDays(1), 1000));
            await silo.Key($"planned.{i}").Encrypt(new(TestSilo.Caller, _plaintext));
        }

        Assert.Equal(0, await KeyDatabase.Count(silo, "okms_reminder"));
    }

    [Fact]
    public async Task ErasureThatFailed_KeepsTheReminderUntilItIsDone()
    {
        await using var silo = await Start("sqlite");
        await silo.Create("stubborn");
        await silo.Key("stubborn").Rotate(new(TestSilo.Caller));
        var material = await Material<KeyVersionRow>(silo, RowNames.KeyVersion(1), "stubborn");
        await silo.Key("stubborn").ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(1)));
        _time.Advance(TimeSpan.FromHours(2));

        // Points 0 and 1 are the read of the row, 2 and 3 the commit of the destruction, 4 the first read of the erasure.
        silo.Gate.FailAt(4, new StorageFailedException("the connection broke", outcomeUnknown: true, new IOException("broken")));
        await Remind(silo, "stubborn");
        Assert.Equal(1, _log.Count("destroy"));
        Assert.True(await KeyDatabase.Holds(silo, material));
        Assert.Equal(1, await KeyDatabase.Count(silo, "okms_reminder"));

        silo.Gate.HoldAt(-1);
        await Remind(silo, "stubborn");
        Assert.False(await KeyDatabase.Holds(silo, material));
        Assert.Equal(0, await KeyDatabase.Count(silo, "okms_reminder"));
        Assert.Equal(1, _log.Count("destroy"));
    }

    [Fact]
    public async Task CancelAndScheduleAgain_OnTwoActivations_DoesNotLoseTheReminder()
    {
        await using var cancels = await Start("postgres");
        await using var schedules = await Start("postgres");
        var scheduledAgain = false;
        for (var point = 0; ; point++)
        {
            var id = $"again.{point}";
            await cancels.Create(id);
            await cancels.Key(id).ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(1)));
            cancels.Gate.HoldAt(point);
            var cancelling = cancels.Key(id).CancelDeletion(new(TestSilo.Caller));
            var held = await Task.WhenAny(cancels.Gate.Reached, cancelling) == cancels.Gate.Reached;
            if (held && (await schedules.Key(id).Describe(new(TestSilo.Caller))).State == KeyState.Disabled)
            {
                await schedules.Key(id).ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(2)));
            }

            cancels.Gate.Release();
            await Record.ExceptionAsync(() => cancelling);
            cancels.Gate.HoldAt(-1);
            var stored = new RowSlot<KeyRow>(schedules.Rows, GrainId.Create("key", id), RowNames.Key);
            await stored.Read();
            var pending = stored.Row!.State == KeyState.PendingDeletion;
            scheduledAgain |= pending;
            var reminders = Convert.ToInt64(
                await KeyDatabase.Scalar(schedules, $"SELECT count(*) FROM okms_reminder WHERE grain_id = 'key/{id}'"),
                System.Globalization.CultureInfo.InvariantCulture);
            Assert.True(!pending || reminders == 1, $"held at {point}: a deletion without a reminder");
            if (!held)
            {
                Assert.True(scheduledAgain, "the deletion was never scheduled in between");
                return;
            }
        }
    }

    [Fact]
    public async Task DestructionScheduled_WhileAnotherActivationTakesTheReminder_HasOneInTheEnd()
    {
        await using var schedules = await Start("postgres");
        await using var takes = await Start("postgres");
        var held = true;
        for (var point = 0; held; point++)
        {
            var id = $"taken.{point}";
            await schedules.Create(id);
            await schedules.Key(id).Rotate(new(TestSilo.Caller));
            schedules.Gate.HoldAt(point);
            var scheduling = schedules.Versions(id).ScheduleDestruction(new(TestSilo.Caller, 1, TimeSpan.FromHours(2)));
            held = await Task.WhenAny(schedules.Gate.Reached, scheduling) == schedules.Gate.Reached;
            if (held)
            {
                await Remind(takes, id);
            }

            schedules.Gate.Release();
            Assert.Equal(KeyVersionState.PendingDestruction, (await scheduling).Versions[0].State);
            schedules.Gate.HoldAt(-1);
            Assert.Equal(1, Convert.ToInt32(
                await KeyDatabase.Scalar(schedules, $"SELECT count(*) FROM okms_reminder WHERE grain_id = 'key/{id}'"),
                System.Globalization.CultureInfo.InvariantCulture));
            Assert.True(held || point > 0, "nothing was held");
        }
    }

    private static Task Remind(TestSilo silo, string id) =>
        silo.Grains.GetGrain<IRemindable>(GrainId.Create("key", id)).ReceiveReminder("deletion", default);

    private static async Task<ReadOnlyMemory<byte>> Material<T>(TestSilo silo, string name, string id = "doomed")
        where T : Row
    {
        var slot = new RowSlot<T>(silo.Rows, GrainId.Create("key", id), name);
        await slot.Read();
        return slot.Row!.Material!.Sealed;
    }
}
