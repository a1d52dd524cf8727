using OrleansKms.Grains.Keys.Lifecycle;

namespace OrleansKms.Tests.Unit.Keys;

public sealed class KeyLifecycleTests
{
    // The whole machine: what follows each event in each state, or the code of the error that forbids it.
    private static readonly Dictionary<(KeyState, KeyEvent), object> _expected = new()
    {
        [(KeyState.Enabled, KeyEvent.Update)] = KeyState.Enabled,
        [(KeyState.Enabled, KeyEvent.Rotate)] = KeyState.Enabled,
        [(KeyState.Enabled, KeyEvent.Import)] = KeyState.Enabled,
        [(KeyState.Enabled, KeyEvent.Enable)] = KeyState.Enabled,
        [(KeyState.Enabled, KeyEvent.Disable)] = KeyState.Disabled,
        [(KeyState.Enabled, KeyEvent.ScheduleDeletion)] = KeyState.PendingDeletion,
        [(KeyState.Enabled, KeyEvent.CancelDeletion)] = "conflict",
        [(KeyState.Enabled, KeyEvent.ChangeVersion)] = KeyState.Enabled,
        [(KeyState.Enabled, KeyEvent.Destroy)] = "conflict",
        [(KeyState.Disabled, KeyEvent.Update)] = KeyState.Disabled,
        [(KeyState.Disabled, KeyEvent.Rotate)] = "key_disabled",
        [(KeyState.Disabled, KeyEvent.Import)] = "key_disabled",
        [(KeyState.Disabled, KeyEvent.Enable)] = KeyState.Enabled,
        [(KeyState.Disabled, KeyEvent.Disable)] = KeyState.Disabled,
        [(KeyState.Disabled, KeyEvent.ScheduleDeletion)] = KeyState.PendingDeletion,
        [(KeyState.Disabled, KeyEvent.CancelDeletion)] = "conflict",
        [(KeyState.Disabled, KeyEvent.ChangeVersion)] = KeyState.Disabled,
        [(KeyState.Disabled, KeyEvent.Destroy)] = "conflict",
        [(KeyState.PendingImport, KeyEvent.Update)] = KeyState.PendingImport,
        [(KeyState.PendingImport, KeyEvent.Rotate)] = "key_pending_import",
        [(KeyState.PendingImport, KeyEvent.Import)] = KeyState.Enabled,
        [(KeyState.PendingImport, KeyEvent.Enable)] = "key_pending_import",
        [(KeyState.PendingImport, KeyEvent.Disable)] = "key_pending_import",
        [(KeyState.PendingImport, KeyEvent.ScheduleDeletion)] = KeyState.PendingDeletion,
        [(KeyState.PendingImport, KeyEvent.CancelDeletion)] = "conflict",
        [(KeyState.PendingImport, KeyEvent.ChangeVersion)] = "key_pending_import",
        [(KeyState.PendingImport, KeyEvent.Destroy)] = "conflict",
        [(KeyState.PendingDeletion, KeyEvent.Update)] = "key_pending_deletion",
        [(KeyState.PendingDeletion, KeyEvent.Rotate)] = "key_pending_deletion",
        [(KeyState.PendingDeletion, KeyEvent.Import)] = "key_pending_deletion",
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

    private static readonly Dictionary<(KeyVersionState, KeyVersionEvent), object> _expectedOfVersions = new()
    {
        [(KeyVersionState.Enabled, KeyVersionEvent.Enable)] = KeyVersionState.Enabled,
        [(KeyVersionState.Enabled, KeyVersionEvent.Disable)] = KeyVersionState.Disabled,
        [(KeyVersionState.Enabled, KeyVersionEvent.ScheduleDestruction)] = KeyVersionState.PendingDestruction,
        [(KeyVersionState.Enabled, KeyVersionEvent.CancelDestruction)] = "conflict",
        [(KeyVersionState.Enabled, KeyVersionEvent.Destroy)] = "conflict",
        [(KeyVersionState.Disabled, KeyVersionEvent.Enable)] = KeyVersionState.Enabled,
        [(KeyVersionState.Disabled, KeyVersionEvent.Disable)] = KeyVersionState.Disabled,
        [(KeyVersionState.Disabled, KeyVersionEvent.ScheduleDestruction)] = KeyVersionState.PendingDestruction,
        [(KeyVersionState.Disabled, KeyVersionEvent.CancelDestruction)] = "conflict",
        [(KeyVersionState.Disabled, KeyVersionEvent.Destroy)] = "conflict",
        [(KeyVersionState.PendingDestruction, KeyVersionEvent.Enable)] = "version_not_usable",
        [(KeyVersionState.PendingDestruction, KeyVersionEvent.Disable)] = "version_not_usable",
        [(KeyVersionState.PendingDestruction, KeyVersionEvent.ScheduleDestruction)] = KeyVersionState.PendingDestruction,
        [(KeyVersionState.PendingDestruction, KeyVersionEvent.CancelDestruction)] = KeyVersionState.Disabled,
        [(KeyVersionState.PendingDestruction, KeyVersionEvent.Destroy)] = KeyVersionState.Destroyed,
        [(KeyVersionState.Destroyed, KeyVersionEvent.Enable)] = "version_not_usable",
        [(KeyVersionState.Destroyed, KeyVersionEvent.Disable)] = "version_not_usable",
        [(KeyVersionState.Destroyed, KeyVersionEvent.ScheduleDestruction)] = KeyVersionState.Destroyed,
        [(KeyVersionState.Destroyed, KeyVersionEvent.CancelDestruction)] = "version_not_usable",
        [(KeyVersionState.Destroyed, KeyVersionEvent.Destroy)] = "version_not_usable",
    };

    [Fact]
    public void Next_EveryPairOfAVersion_FollowsTheTable()
    {
        foreach (var state in Enum.GetValues<KeyVersionState>())
        {
            foreach (var happening in Enum.GetValues<KeyVersionEvent>())
            {
                var expected = _expectedOfVersions[(state, happening)];
                if (expected is KeyVersionState next)
                {
                    Assert.Equal(next, KeyLifecycle.Next(state, happening));
                }
                else
                {
                    Assert.Equal(expected, Assert.Throws<KmsException>(() => KeyLifecycle.Next(state, happening)).Code);
                }
            }
        }
    }

    [Theory]
    [InlineData(KeyState.Enabled, null)]
    [InlineData(KeyState.Disabled, "key_disabled")]
    [InlineData(KeyState.PendingImport, "key_pending_import")]
    [InlineData(KeyState.PendingDeletion, "key_pending_deletion")]
    [InlineData(KeyState.Destroyed, "key_destroyed")]
    public void WhyNotUsable_EachState_NamesItsError(KeyState state, string? code) =>
        Assert.Equal(code, KeyLifecycle.WhyNotUsable(state)?.Code);
}
