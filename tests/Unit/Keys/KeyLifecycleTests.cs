using OrleansKms.Grains.Keys;

namespace OrleansKms.Tests.Unit.Keys;

public sealed class KeyLifecycleTests
{
    // The whole machine: what follows each event in each state, or the code of the error that forbids it.
    private static readonly Dictionary<(KeyState, KeyEvent), object> _expected = new()
    {
        [(KeyState.Enabled, KeyEvent.Update)] = KeyState.Enabled,
        [(KeyState.Enabled, KeyEvent.Rotate)] = KeyState.Enabled,
        [(KeyState.Enabled, KeyEvent.Enable)] = KeyState.Enabled,
        [(KeyState.Enabled, KeyEvent.Disable)] = KeyState.Disabled,
        [(KeyState.Enabled, KeyEvent.ScheduleDeletion)] = KeyState.PendingDeletion,
        [(KeyState.Enabled, KeyEvent.CancelDeletion)] = "conflict",
        [(KeyState.Enabled, KeyEvent.ChangeVersion)] = KeyState.Enabled,
        [(KeyState.Enabled, KeyEvent.Destroy)] = "conflict",
        [(KeyState.Disabled, KeyEvent.Update)] = KeyState.Disabled,
        [(KeyState.Disabled, KeyEvent.Rotate)] = "key_disabled",
        [(KeyState.Disabled, KeyEvent.Enable)] = KeyState.Enabled,
        [(KeyState.Disabled, KeyEvent.Disable)] = KeyState.Disabled,
        [(KeyState.Disabled, KeyEvent.ScheduleDeletion)] = KeyState.PendingDeletion,
        [(KeyState.Disabled, KeyEvent.CancelDeletion)] = "conflict",
        [(KeyState.Disabled, KeyEvent.ChangeVersion)] = KeyState.Disabled,
        [(KeyState.Disabled, KeyEvent.Destroy)] = "conflict",
        [(KeyState.PendingImport, KeyEvent.Update)] = KeyState.PendingImport,
        [(KeyState.PendingImport, KeyEvent.Rotate)] = "key_pending_import",
        [(KeyState.PendingImport, KeyEvent.Enable)] = "key_pending_import",
        [(KeyState.PendingImport, KeyEvent.Disable)] = "key_pending_import",
        [(KeyState.PendingImport, KeyEvent.ScheduleDeletion)] = KeyState.PendingDeletion,
        [(KeyState.PendingImport, KeyEvent.CancelDeletion)] = "conflict",
        [(KeyState.PendingImport, KeyEvent.ChangeVersion)] = "key_pending_import",
        [(KeyState.PendingImport, KeyEvent.Destroy)] = "conflict",
        [(KeyState.PendingDeletion, KeyEvent.Update)] = "key_pending_deletion",
        [(KeyState.PendingDeletion, KeyEvent.Rotate)] = "key_pending_deletion",
        [(KeyState.PendingDeletion, KeyEvent.Enable)] = "key_pending_deletion",
        [(KeyState.PendingDeletion, KeyEvent.Disable)] = "key_pending_deletion",
        [(KeyState.PendingDeletion, KeyEvent.ScheduleDeletion)] = "key_pending_deletion",
        [(KeyState.PendingDeletion, KeyEvent.CancelDeletion)] = KeyState.Disabled,
        [(KeyState.PendingDeletion, KeyEvent.ChangeVersion)] = "key_pending_deletion",
        [(KeyState.PendingDeletion, KeyEvent.Destroy)] = KeyState.Destroyed,
    };

    public static TheoryData<KeyState, KeyEvent> Pairs()
    {
        var pairs = new TheoryData<KeyState, KeyEvent>();
        foreach (var state in Enum.GetValues<KeyState>())
        {
            foreach (var happening in Enum.GetValues<KeyEvent>())
            {
                pairs.Add(state, happening);
            }
        }

        return pairs;
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public void Next_EveryPair_FollowsTheTable(KeyState state, KeyEvent happening)
    {
        var expected = state == KeyState.Destroyed ? "key_destroyed" : _expected[(state, happening)];
        if (expected is KeyState next)
        {
            Assert.Equal(next, KeyLifecycle.Next(state, happening));
        }
        else
        {
            Assert.Equal(expected, Assert.Throws<KmsException>(() => KeyLifecycle.Next(state, happening)).Code);
        }
    }

    [Fact]
    public void Next_CancelDeletionOfAKeyThatNeverHadMaterial_WaitsForItsImportAgain() =>
        Assert.Equal(KeyState.PendingImport, KeyLifecycle.Next(KeyState.PendingDeletion, KeyEvent.CancelDeletion, hasVersions: false));

    [Theory]
    [InlineData(KeyVersionState.Enabled, KeyVersionEvent.Enable, KeyVersionState.Enabled)]
    [InlineData(KeyVersionState.Enabled, KeyVersionEvent.Disable, KeyVersionState.Disabled)]
    [InlineData(KeyVersionState.Enabled, KeyVersionEvent.Destroy, KeyVersionState.Destroyed)]
    [InlineData(KeyVersionState.Disabled, KeyVersionEvent.Enable, KeyVersionState.Enabled)]
    [InlineData(KeyVersionState.Disabled, KeyVersionEvent.Disable, KeyVersionState.Disabled)]
    [InlineData(KeyVersionState.Disabled, KeyVersionEvent.Destroy, KeyVersionState.Destroyed)]
    [InlineData(KeyVersionState.Destroyed, KeyVersionEvent.Destroy, KeyVersionState.Destroyed)]
    public void Next_Version_FollowsTheTable(KeyVersionState state, KeyVersionEvent happening, KeyVersionState expected) =>
        Assert.Equal(expected, KeyLifecycle.Next(state, happening));

    [Theory]
    [InlineData(KeyVersionEvent.Enable)]
    [InlineData(KeyVersionEvent.Disable)]
    public void Next_DestroyedVersion_CannotComeBack(KeyVersionEvent happening) => Assert.Equal(
        "version_not_usable",
        Assert.Throws<KmsException>(() => KeyLifecycle.Next(KeyVersionState.Destroyed, happening)).Code);

    [Theory]
    [InlineData(KeyState.Enabled, null)]
    [InlineData(KeyState.Disabled, "key_disabled")]
    [InlineData(KeyState.PendingImport, "key_pending_import")]
    [InlineData(KeyState.PendingDeletion, "key_pending_deletion")]
    [InlineData(KeyState.Destroyed, "key_destroyed")]
    public void WhyNotUsable_EachState_NamesItsError(KeyState state, string? code) =>
        Assert.Equal(code, KeyLifecycle.WhyNotUsable(state)?.Code);
}
