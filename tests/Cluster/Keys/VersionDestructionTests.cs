using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>The end of single versions, which waits as that of a key does.</summary>
public sealed class VersionDestructionTests : KeyGrainTest
{
    private static readonly TimeSpan _hour = TimeSpan.FromHours(1);

    private Task<KeyDescription> Schedule(string id, int version, TimeSpan? after = null) =>
        Silo.Versions(id).ScheduleDestruction(new(TestSilo.Caller, version, after));

    private Task<KeyDescription> Cancel(string id, int version) => Silo.Versions(id).CancelDestruction(new(TestSilo.Caller, version));

    private Task Remind(string id) => Silo.Grains.GetGrain<IRemindable>(Grain(id)).ReceiveReminder("deletion", default);

    private async Task<DateTime?> ReminderAt(string id)
    {
        var at = await KeyDatabase.Scalar(Silo, $"SELECT start_time FROM okms_reminder WHERE grain_id = 'key/{id}'");
        return at is null ? null : DateTime.Parse((string)at, System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>A key with so many versions, and a ciphertext of each.</summary>
    private async Task<List<Encrypted>> Make(string id, int versions)
    {
        await Silo.Create(id);
        var made = new List<Encrypted> { await Encrypt(id) };
        while (made.Count < versions)
        {
            await Rotate(id);
            made.Add(await Encrypt(id));
        }

        return made;
    }

    private async Task<bool> IsStored(string id, int version) => await Row<KeyVersionRow>(id, RowNames.KeyVersion(version)) is { Material: not null };

    [Fact]
    public async Task Scheduled_IsNotUsableNow_AndErasedWhenItIsDue()
    {
        var made = await Make("waits", 3);
        var version = (await Schedule("waits", 1, 3 * _hour)).Versions[0];
        Assert.Equal((KeyVersionState.PendingDestruction, Time.GetUtcNow() + 3 * _hour), (version.State, version.DestroyAt));
        await Refused("version_not_usable", () => Decrypt("waits", made[0]));
        await Refused("version_not_usable", () => Silo.Key("waits").EnableVersion(new(TestSilo.Caller, 1)));
        await Refused("version_not_usable", () => Silo.Key("waits").DisableVersion(new(TestSilo.Caller, 1)));

        Time.Advance(3 * _hour - TimeSpan.FromSeconds(1));
        await Remind("waits");
        Assert.Equal(KeyVersionState.PendingDestruction, (await Describe("waits")).Versions[0].State);
        Assert.True(await IsStored("waits", 1));

        Time.Advance(TimeSpan.FromSeconds(1));
        await Remind("waits");
        var row = (await Row<KeyRow>("waits", RowNames.Key))!;
        Assert.Equal((KeyVersionState.Destroyed, version.DestroyAt), (row.Versions[0].State, row.Versions[0].DestroyAt));
        Assert.Empty(row.ErasePending);
        Assert.False(await IsStored("waits", 1));
        Assert.Null(await ReminderAt("waits"));
        await Refused("version_not_usable", () => Decrypt("waits", made[0]));
        Assert.Equal(Plaintext, (await Decrypt("waits", made[1])).Plaintext);
        Assert.Equal(Plaintext, (await Decrypt("waits", made[2])).Plaintext);
    }

    [Fact]
    public async Task Cancelled_IsDisabled_AndStaysHoweverMuchTimePasses()
    {
        var made = await Make("back", 2);
        await Schedule("back", 1, 2 * _hour);
        var version = (await Cancel("back", 1)).Versions[0];
        Assert.Equal((KeyVersionState.Disabled, null), (version.State, version.DestroyAt));
        Assert.Null(await ReminderAt("back"));
        await Refused("conflict", () => Cancel("back", 1));

        Time.Advance(3 * _hour);
        await Remind("back");
        await Refused("version_not_usable", () => Decrypt("back", made[0]));
        await Silo.Key("back").EnableVersion(new(TestSilo.Caller, 1));
        Assert.Equal(Plaintext, (await Decrypt("back", made[0])).Plaintext);

        await DestroyVersion("back", 1);
        await Refused("version_not_usable", () => Cancel("back", 1));
        await Refused("not_found", () => Cancel("back", 9));
    }

    [Fact]
    public async Task Client_SchedulesAndCancels()
    {
        await Make("client", 2);
        var client = new KmsClient(Silo.Grains, new KmsClientOptions { Principal = "test" });
        var version = (await client.ScheduleVersionDestruction("client", 1, 2 * _hour)).Versions[0];
        Assert.Equal((KeyVersionState.PendingDestruction, Time.GetUtcNow() + 2 * _hour), (version.State, version.DestroyAt));
        Assert.Equal(KeyVersionState.Disabled, (await client.CancelVersionDestruction("client", 1)).Versions[0].State);
        await Refused("invalid_key_id", () => client.ScheduleVersionDestruction("a b", 1));
    }

    [Fact]
    public async Task Primary_IsNeverDestroyed()
    {
        await Make("only", 1);
        await Refused("conflict", () => Schedule("only", 1));
        await Refused("conflict", () => Silo.Key("only").DestroyVersion(new(TestSilo.Caller, 1)));
        Time.Advance(TimeSpan.FromDays(400));
        Assert.Equal(KeyVersionState.Enabled, (await Describe("only")).Versions[0].State);
        await Rotate("only");
        await Refused("conflict", () => Schedule("only", 2));
        await Refused("not_found", () => Schedule("only", 3));
        await Schedule("only", 1);
        await Encrypt("only");
    }

    [Fact]
    public async Task Repeated_LeavesTheTimeUnlessAnotherIsGiven()
    {
        await Make("again", 2);
        var start = Time.GetUtcNow();
        Assert.Equal(start.AddDays(7), (await Schedule("again", 1)).Versions[0].DestroyAt);
        Time.Advance(_hour);
        Assert.Equal(start.AddDays(7), (await Schedule("again", 1)).Versions[0].DestroyAt);
        Assert.Equal(start.AddDays(7), (await Silo.Key("again").DestroyVersion(new(TestSilo.Caller, 1))).Versions[0].DestroyAt);
        Assert.Equal(start + 3 * _hour, (await Schedule("again", 1, 2 * _hour)).Versions[0].DestroyAt);
        Time.Advance(2 * _hour);
        await Remind("again");
        var destroyed = (await Schedule("again", 1, 5 * _hour)).Versions[0];
        Assert.Equal((KeyVersionState.Destroyed, start + 3 * _hour), (destroyed.State, destroyed.DestroyAt));
    }

    [Fact]
    public async Task TimeBeyondTheLimits_IsInvalidParameter()
    {
        await Make("limits", 2);
        await Refused("invalid_parameter", () => Schedule("limits", 1, _hour - TimeSpan.FromSeconds(1)));
        await Refused("invalid_parameter", () => Schedule("limits", 1, TimeSpan.FromDays(366)));
        await Refused("invalid_parameter", () => Schedule("nothing", 1, TimeSpan.Zero));
        await Refused("key_not_found", () => Schedule("nothing", 1));
        await Refused("key_not_found", () => Cancel("nothing", 1));
    }

    [Fact]
    public async Task ManyAtOnce_EachEndsInItsTime_AndTheReminderIsAlwaysForTheNext()
    {
        await Make("many", 5);
        await Schedule("many", 1, 5 * _hour);
        await Schedule("many", 2, 2 * _hour);
        await Schedule("many", 3, 8 * _hour);
        await Schedule("many", 4, 2 * _hour);
        Assert.InRange(await UntilReminder("many"), 1.9, 2.1);

        await Ends(2, [2, 4], next: 3);
        await Cancel("many", 1);
        await Ends(3, [2, 4], next: 3);
        await Ends(3, [2, 3, 4], next: null);

        async Task Ends(int hours, int[] destroyed, double? next)
        {
            Time.Advance(hours * _hour);
            await Remind("many");
            var row = (await Row<KeyRow>("many", RowNames.Key))!;
            Assert.Equal(destroyed, row.Versions.Where(v => v.State == KeyVersionState.Destroyed).Select(v => v.Version));
            for (var version = 1; version <= 4; version++) Assert.Equal(!destroyed.Contains(version), await IsStored("many", version));
            if (next is { } inHours) Assert.InRange(await UntilReminder("many"), inHours - 0.1, inHours + 0.1);
            else Assert.Null(await ReminderAt("many"));
        }
    }

    [Fact]
    public async Task KeyThatIsToBeDeleted_LosesItsVersionsInTheirTime_AndTheRestInItsOwn()
    {
        await Make("both", 3);
        await Schedule("both", 1, 2 * _hour);
        await Silo.Key("both").ScheduleDeletion(new(TestSilo.Caller, 24 * _hour));
        Assert.InRange(await UntilReminder("both"), 1.9, 2.1);
        await Refused("key_pending_deletion", () => Schedule("both", 2));
        await Refused("key_pending_deletion", () => Cancel("both", 1));

        Time.Advance(2 * _hour);
        await Remind("both");
        Assert.False(await IsStored("both", 1));
        Assert.True(await IsStored("both", 2));
        Assert.InRange(await UntilReminder("both"), 21.9, 22.1);

        Assert.Equal(KeyState.Disabled, (await Silo.Key("both").CancelDeletion(new(TestSilo.Caller))).State);
        await Schedule("both", 2, 3 * _hour);
        await Silo.Key("both").ScheduleDeletion(new(TestSilo.Caller, 2 * _hour));
        Time.Advance(2 * _hour);
        await Remind("both");
        var key = (await Row<KeyRow>("both", RowNames.Key))!;
        Assert.Equal(KeyState.Destroyed, key.State);
        Assert.All(key.Versions, v => Assert.Equal(KeyVersionState.Destroyed, v.State));
        Assert.False(await IsStored("both", 2));
        Assert.Null(await ReminderAt("both"));
    }

    [Fact]
    public async Task DeletionCancelled_KeepsTheReminderOfAVersion()
    {
        await Make("kept", 2);
        await Schedule("kept", 1, 5 * _hour);
        await Silo.Key("kept").ScheduleDeletion(new(TestSilo.Caller, 2 * _hour));
        await Silo.Key("kept").CancelDeletion(new(TestSilo.Caller));
        Assert.NotNull(await ReminderAt("kept"));
        Time.Advance(5 * _hour);
        await Remind("kept");
        Assert.False(await IsStored("kept", 1));
        Assert.Equal(KeyState.Disabled, (await Row<KeyRow>("kept", RowNames.Key))!.State);
    }

    [Fact]
    public async Task WhileAnOlderProgramMayRun_NoRowGetsAStateThatItDoesNotKnow()
    {
        await Make("old", 2);
        await KeyDatabase.Scalar(Silo, "UPDATE okms_schema SET least_program_version = 1, feature_level = 2");
        await Restart();
        await Refused("conflict", () => Schedule("old", 1, 2 * _hour));
        await Refused("conflict", () => Silo.Key("old").DestroyVersion(new(TestSilo.Caller, 1)));
        Assert.Equal(KeyVersionState.Enabled, (await Row<KeyRow>("old", RowNames.Key))!.Versions[0].State);
        Assert.Null(await ReminderAt("old"));

        await Silo.Services.GetRequiredService<FeatureLevels>().Raise(default);
        Assert.Equal(KeyVersionState.PendingDestruction, (await Schedule("old", 1, 2 * _hour)).Versions[0].State);
    }

    [Fact]
    public async Task Schedule_FailingAtEachAwait_IsMadeWholeOrNotAtAll_AndNeverWithoutAReminder()
    {
        for (var point = 0; ; point++)
        {
            var id = $"fails.{point}";
            await Make(id, 2);
            Silo.Gate.FailAt(point, Unknown());
            var failure = await Record.ExceptionAsync(() => Schedule(id, 1, 2 * _hour));
            Silo.Gate.HoldAt(-1);
            var pending = (await Row<KeyRow>(id, RowNames.Key))!.Versions[0].State == KeyVersionState.PendingDestruction;
            Assert.True(!pending || await ReminderAt(id) is not null, $"failed at {point}: a destruction without a reminder");
            Assert.Equal(KeyVersionState.PendingDestruction, (await Schedule(id, 1, 2 * _hour)).Versions[0].State);
            Time.Advance(2 * _hour);
            await Remind(id);
            Assert.False(await IsStored(id, 1));
            if (failure is null)
            {
                Assert.True(point > 1, "nothing failed");
                return;
            }
        }
    }

    /// <summary>In how many hours the reminder comes, by the real clock, which is that of reminders.</summary>
    private async Task<double> UntilReminder(string id) => ((await ReminderAt(id))!.Value - DateTime.UtcNow).TotalHours;
}
