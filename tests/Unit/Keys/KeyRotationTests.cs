using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Unit.Keys;

public sealed class KeyRotationTests
{
    private static readonly DateTimeOffset _now = new(2026, 1, 2, 0, 0, 0, TimeSpan.Zero);
    private static readonly RestoreEpoch _first = new(0, 0, default);
    private static readonly RestoreEpoch _restored = new(1, KmsLimits.Versions + 2000, _now);

    [Theory]
    [InlineData(KeyState.Disabled, "key_disabled")]
    [InlineData(KeyState.PendingImport, "key_pending_import")]
    [InlineData(KeyState.PendingDeletion, "key_pending_deletion")]
    [InlineData(KeyState.Destroyed, "key_destroyed")]
    public void Plan_OfAKeyThatIsNotEnabled_IsItsStatesError(KeyState state, string code) => Refused(code, Row() with { State = state });

    [Fact]
    public void Plan_OfAnExternalKey_IsConflict() => Refused("conflict", Row() with { Origin = KeyOrigin.External });

    [Fact]
    public void Plan_OfAKeyThatIsFull_IsConflict()
    {
        var versions = Enumerable.Range(1, KmsLimits.Versions).Select(Version).ToArray();
        Refused("conflict", Row() with { Versions = versions });
        Assert.Equal(KmsLimits.Versions, KeyRotation.Plan(Row() with { Versions = versions[..^1] }, _first, _now).Number);
    }

    [Fact]
    public void Plan_OfAKeyWhosePublicKeysAreFull_IsConflict_UntilVersionsAreDestroyed()
    {
        var versions = Enumerable.Range(1, 1025).Select(n => Version(n) with { PublicKey = new byte[1024], State = n < 3 ? KeyVersionState.PendingDestruction : KeyVersionState.Enabled }).ToArray();
        Refused("conflict", Row() with { Versions = versions });
        Assert.Equal(1025, KeyRotation.Plan(Row() with { Versions = versions[..^1] }, _first, _now).Number);
        var destroyed = KeyChanges.DestroyVersions(Row() with { Versions = versions, PrimaryVersion = 1025 }, [1, 2]);
        Assert.Equal(1026, KeyRotation.Plan(destroyed, _first, _now).Number);
    }

    [Fact]
    public void Made_FollowsFromThePlannedRow()
    {
        var row = Row() with { Rotation = new(TimeSpan.FromDays(30), null) };
        var next = KeyRotation.Plan(row, _restored, _now);
        Assert.Equal(_restored.VersionBase + 1, next.Number);
        var material = new WrappedMaterial(next.Number, default, new byte[60]);
        var made = next.Made(material, _now);
        Assert.Equal((next.Number, 1, material), (made.PrimaryVersion, made.Epoch, made.Material));
        Assert.Equal([1, next.Number], made.Versions.Select(v => v.Version));
        Assert.Equal(_now.AddDays(30), made.NextRotationAt);
    }

    [Theory]
    [InlineData(KeyState.Enabled, KeyOrigin.Generated, 0, true)]
    [InlineData(KeyState.Enabled, KeyOrigin.Generated, 1, false)]
    [InlineData(KeyState.Disabled, KeyOrigin.Generated, 0, false)]
    [InlineData(KeyState.Enabled, KeyOrigin.External, 0, false)]
    public void IsOverdue_OnlyOfAUsableKeyWhoseDateHasCome(KeyState state, KeyOrigin origin, int secondsAhead, bool expected) =>
        Assert.Equal(expected, KeyRotation.IsOverdue(
            Row() with { State = state, Origin = origin, NextRotationAt = _now.AddSeconds(secondsAhead) }, _now));

    [Fact]
    public void IsOverdue_WithoutAPlan_Never() => Assert.False(KeyRotation.IsOverdue(Row(), DateTimeOffset.MaxValue));

    [Theory]
    [InlineData(0, 99, "No")]
    [InlineData(0, 100, "ByUse")]
    [InlineData(1, 99, "SinceRestore")]
    [InlineData(1, 100, "SinceRestore")]
    public void DueBeforeUse_NamesWhy(int epoch, long spent, string expected) =>
        Assert.Equal(expected, KeyRotation.DueBeforeUse(Row(), epoch == 0 ? _first : _restored, spent, rotateAt: 100, keepsAfterRestore: false).ToString());

    private static void Refused(string code, KeyRow row) =>
        Assert.Equal(code, Assert.Throws<KmsException>(() => KeyRotation.Plan(row, _first, _now)).Code);

    internal static KeyRow Row() => new()
    {
        Spec = "AES_256_GCM",
        Usage = KeyUsage.EncryptDecrypt,
        State = KeyState.Enabled,
        Protection = KeyProtection.Software,
        Origin = KeyOrigin.Generated,
        CreatedAt = _now,
        PrimaryVersion = 1,
        Versions = [Version(1)],
    };

    private static KeyVersionEntry Version(int number) => new(number, KeyVersionState.Enabled, _now);
}
