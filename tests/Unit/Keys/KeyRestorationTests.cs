using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Unit.Keys;

public sealed class KeyRestorationTests
{
    private static readonly DateTimeOffset _now = new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero);
    private static readonly int _seconds = (int)(_now - new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero)).TotalSeconds + 4096;
    private static readonly RestoreEpoch _first = RestoreEpoch.First;

    /// <summary>What a backup has of each property of the row; a new one needs a decision here.</summary>
    [Fact]
    public void InBackup_KeepsEachPropertyOfTheRow_OrDropsIt()
    {
        string[] kept =
        [
            "Approval", "CreatedAt", "Description", "Epoch", "Exportable", "Limits", "MinDecryptVersion", "Origin", "Policy", "PrimaryVersion",
            "Protection", "RestoredUpTo", "Revision", "Rotation", "Spec", "State", "Tags", "Usage", "Versions", "DeletionAt",
        ];
        string[] dropped = ["Approvals", "ErasePending", "Incarnation", "Material", "NextRotationAt", "Restoring"];
        string[] cut = ["History"];
        string[] computed = ["EqualityContract", "IsTombstone", "MayCompress"];
        Assert.Equal(
            typeof(KeyRow).GetProperties().Select(p => p.Name).Except(computed).Order(StringComparer.Ordinal),
            kept.Concat(dropped).Concat(cut).Order(StringComparer.Ordinal));
        var row = Row() with
        {
            Incarnation = Incarnation.New(),
            Material = new(2, default, new byte[60]),
            Approvals = [],
            ErasePending = [1],
            NextRotationAt = _now,
            Revision = 9,
            Tags = new Dictionary<string, string> { ["a"] = "b" },
            History = new() { Count = 20, Head = [1], Whole = true, Block = 1, Newest = [[1], [2]] },
            Epoch = 3,
            RestoredUpTo = 1,
            Policy = [],
            Approval = new(["destroy"], 1, ["*"], TimeSpan.FromDays(1)),
        };
        var inBackup = KeyRestoration.InBackup(row);
        Assert.All(kept, name => Assert.Equal(typeof(KeyRow).GetProperty(name)!.GetValue(row), typeof(KeyRow).GetProperty(name)!.GetValue(inBackup)));
        Assert.Equal((default, null, null, null), (inBackup.Incarnation, inBackup.Material, inBackup.Approvals, inBackup.NextRotationAt));
        Assert.Empty(inBackup.ErasePending);
        Assert.Equal((20, 0, true), (inBackup.History!.Count, inBackup.History.Block, inBackup.History.Whole));
        Assert.Equal([1], inBackup.History.Head);
        Assert.Empty(inBackup.History.Newest);
    }

    [Theory]
    [InlineData(KeyState.Enabled, KeyProtection.Software, null)]
    [InlineData(KeyState.Disabled, KeyProtection.Software, null)]
    [InlineData(KeyState.PendingImport, KeyProtection.Software, "key_pending_import")]
    [InlineData(KeyState.PendingDeletion, KeyProtection.Software, "key_pending_deletion")]
    [InlineData(KeyState.Destroyed, KeyProtection.Software, "key_destroyed")]
    [InlineData(KeyState.Enabled, KeyProtection.Hsm, "not_exportable")]
    [InlineData(KeyState.Disabled, KeyProtection.Hsm, "not_exportable")]
    [InlineData(KeyState.Destroyed, KeyProtection.Hsm, "key_destroyed")]
    public void OnlySoftwareKeysThatAreOrCanBeUsed_AreBackedUp(KeyState state, KeyProtection protection, string? code)
    {
        var refusal = Record.Exception(() => KeyRestoration.RequireBackedUp(Row() with { State = state, Protection = protection }));
        Assert.Equal(code, (refusal as KmsException)?.Code);
    }

    [Fact]
    public void IsWhole_IsFalseForWhateverNoBackupHas()
    {
        var row = Row();
        Assert.True(KeyRestoration.IsWhole(row, [2, 3]));
        Assert.True(KeyRestoration.IsWhole(row with { State = KeyState.Disabled }, [2, 3]));
        foreach (int[] material in new int[][] { [], [3], [2], [1, 2, 3], [2, 3, 4] }) Assert.False(KeyRestoration.IsWhole(row, material));
        foreach (var state in Enum.GetValues<KeyState>().Where(s => s is not (KeyState.Enabled or KeyState.Disabled))) Assert.False(KeyRestoration.IsWhole(row with { State = state }, [2, 3]));
        Assert.False(KeyRestoration.IsWhole(row with { Protection = KeyProtection.Hsm }, [2, 3]));
        Assert.False(KeyRestoration.IsWhole(row with { Versions = [], PrimaryVersion = 0 }, []));
        Assert.False(KeyRestoration.IsWhole(row with { PrimaryVersion = 2 }, [2, 3]));
        Assert.False(KeyRestoration.IsWhole(row with { Versions = [row.Versions[1], row.Versions[0], row.Versions[2]] }, [2, 3]));
        Assert.False(KeyRestoration.IsWhole(row with { Versions = [row.Versions[1], row.Versions[1], row.Versions[2]] }, [2, 2, 3]));
        Assert.False(KeyRestoration.IsWhole(row with { Versions = [Version(0), .. row.Versions] }, [0, 2, 3]));
        Assert.False(KeyRestoration.IsWhole(row with { Restoring = new() }, [2, 3]));
    }

    [Fact]
    public void Restored_NumbersItsNextVersionAboveWhateverItCanHaveHad()
    {
        var restored = Restored(Row(), _first, _now);
        Assert.Equal(_seconds - 1, restored.RestoredUpTo);
        Assert.Equal(_seconds, KeyRotation.Plan(restored, _first, _now).Number);

        // From then on at most one a second, in the first epoch too: a later epoch begins above it.
        var next = restored with { Versions = [.. restored.Versions, Version(_seconds)], PrimaryVersion = _seconds };
        Assert.Equal("conflict", Assert.Throws<KmsException>(() => KeyRotation.Plan(next, _first, _now)).Code);
        Assert.Equal(_seconds + 1, KeyRotation.Plan(next, _first, _now.AddSeconds(1)).Number);

        // Whatever the epoch, and whatever the key had.
        var epoch = new RestoreEpoch(2, _seconds + 50, _now);
        Assert.Equal(_seconds + 50, Restored(Row(), epoch, _now).RestoredUpTo);
        Assert.Equal(_seconds + 70, Restored(next with { PrimaryVersion = _seconds + 70 }, epoch, _now).RestoredUpTo);

        // A clock that is years behind gives no number that an ordinary key can have had, and none that is free.
        var early = Restored(Row(), _first, new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        Assert.Equal(KmsLimits.Versions, early.RestoredUpTo);
        Assert.Equal("conflict", Assert.Throws<KmsException>(() => KeyRotation.Plan(early, _first, new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero))).Code);
    }

    [Fact]
    public void Restored_OfAKeyWithoutAVersionSince_DecryptsOnly()
    {
        var restored = Restored(Row() with { Origin = KeyOrigin.External }, _first, _now);
        Assert.Equal("key_pending_import", Assert.Throws<KmsException>(() => KeyRestoration.RequireMadeSince(restored)).Code);
        KeyUsability.RequireDecrypts(restored, 3);
        KeyRestoration.RequireMadeSince(restored with { PrimaryVersion = restored.RestoredUpTo + 1 });
        KeyRestoration.RequireMadeSince(Row());
    }

    [Fact]
    public void Restored_VersionThatAwaitsItsDestruction_RestsForADay()
    {
        var restsUntil = _now.AddDays(1);
        KeyVersionEntry Pending(int version, DateTimeOffset at) => Version(version) with { State = KeyVersionState.PendingDestruction, DestroyAt = at, DestroyEpoch = 1 };
        var row = Row() with { Versions = [Pending(1, _now.AddDays(-3)), Pending(2, _now.AddDays(30)), Version(3)] };
        var restored = KeyRestoration.Restored(new() { MadeAt = _now, Key = row, Counters = new() }, new(4, 60_000, _now), _now, restsUntil);
        Assert.Equal([(restsUntil, 4), (_now.AddDays(30), 4), (null, 0)], restored.Versions.Select(v => ((DateTimeOffset?)v.DestroyAt, v.DestroyEpoch)));
        Assert.Equal(restsUntil, KeyErasures.Next(restored));
    }

    private static KeyRow Restored(KeyRow row, RestoreEpoch epoch, DateTimeOffset now) =>
        KeyRestoration.Restored(new() { MadeAt = now, Key = row, Counters = new() }, epoch, now, now.AddDays(1));

    private static KeyVersionEntry Version(int number) => new(number, KeyVersionState.Enabled, _now);

    private static KeyRow Row() => new()
    {
        Spec = "AES_256_GCM",
        Usage = KeyUsage.EncryptDecrypt,
        State = KeyState.Enabled,
        Protection = KeyProtection.Software,
        Origin = KeyOrigin.Generated,
        CreatedAt = _now,
        PrimaryVersion = 3,
        Versions = [Version(1) with { State = KeyVersionState.Destroyed }, Version(2) with { State = KeyVersionState.Disabled }, Version(3)],
    };
}
