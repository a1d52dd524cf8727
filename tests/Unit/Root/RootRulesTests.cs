using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Tests.Unit.Root;

public sealed class RootRulesTests
{
    private const string Old = "file:0a";
    private const string New = "hsm:0b";

    [Fact]
    public void Remove_WhatNothingNeeds_IsAllowed() =>
        Assert.Null(RootRules.WhyNotRemove(Old, New, [Kek(1, Old, New), Kek(2, New)], [Silo(New)]));

    [Theory]
    [InlineData("wraps nothing", "hsm:ff", New)]
    [InlineData("that the settings of this process name", New, New)]
    [InlineData("does not wrap 1 of the 2", Old, "hsm:0c")]
    public void Remove_IsRefused(string reason, string root, string stays) =>
        Assert.Contains(reason, RootRules.WhyNotRemove(root, stays, [Kek(1, Old, New), Kek(2, Old, New, "hsm:0c")], []), StringComparison.Ordinal);

    [Fact]
    public void Remove_TheOnlyOne_IsRefusedWhateverTheSettingsName()
    {
        Assert.Contains("the only one", RootRules.WhyNotRemove(Old, Old, [Kek(1, Old)], []), StringComparison.Ordinal);
        Assert.Contains("the only one", RootRules.WhyNotRemove(Old, New, [Kek(1, Old)], []), StringComparison.Ordinal);
    }

    [Fact]
    public void RemoveAndDestroy_WhileASiloRunsOnIt_OrMay_AreRefused()
    {
        var made = new RootRecord(Old, "/a", DateTimeOffset.UnixEpoch, null, null);
        foreach (var silo in (LiveSilo[])[Silo(Old), Silo(null)])
        {
            Assert.Contains("s1", RootRules.WhyNotRemove(Old, New, [Kek(1, Old, New)], [Silo(New), silo]), StringComparison.Ordinal);
            Assert.Contains("s1", RootRules.WhyNotDestroy(Old, made, [Kek(1, New)], [Silo(New), silo]), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Destroy_OnlyARecordedRootThatWrapsNothing()
    {
        var made = new RootRecord(Old, "/a", DateTimeOffset.UnixEpoch, null, null);
        Assert.Null(RootRules.WhyNotDestroy(Old, made, [Kek(1, New)], [Silo(New)]));
        Assert.Contains("not one of this database", RootRules.WhyNotDestroy(Old, null, [Kek(1, New)], []), StringComparison.Ordinal);
        Assert.Contains("still wraps 1", RootRules.WhyNotDestroy(Old, made, [Kek(1, Old, New), Kek(2, New)], []), StringComparison.Ordinal);
        Assert.Contains("was destroyed at", RootRules.WhyNotDestroy(
            Old, made with { DestroyedAt = DateTimeOffset.UnixEpoch }, [Kek(1, New)], []), StringComparison.Ordinal);
    }

    [Fact]
    public void Rotate_WhileSilosRunOnTheOneBefore_IsRefused()
    {
        Assert.Null(RootRules.WhyNotRotate(New, [Silo(New), Silo(null)]));
        Assert.Contains("Restart it first", RootRules.WhyNotRotate(New, [Silo(New), Silo(Old)]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hsm:2a2b", "2A2B")]
    [InlineData("hsm:", null)]
    [InlineData("hsm:2a2", null)]
    [InlineData("hsm:2A2B", null)]
    [InlineData("hsm:../x", null)]
    [InlineData("file:2a2b", null)]
    public void KeyId_IsOfRootsInAnHsmOnly(string rootId, string? hexadecimal) =>
        Assert.Equal(hexadecimal, HsmRootStore.KeyId(rootId) is { } id ? Convert.ToHexString(id) : null);

    private static WrappedKek Kek(ulong id, params string[] roots) => new(new KekId(0, id), DateTimeOffset.UnixEpoch, roots.ToDictionary(r => r, _ => new byte[1]));

    private static LiveSilo Silo(string? root) => new("s1", 2, new KekId(0, 1), root);
}
