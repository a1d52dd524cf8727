using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Tests.Unit.Keys;

/// <summary>The life of operations that need approval, as time goes by.</summary>
public sealed class KeyApprovalsTests
{
    private static readonly DateTimeOffset _now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly ApprovalRule _rule = new(["rotate", "destroy"], 1, ["alice"], TimeSpan.FromDays(7));
    private static readonly Caller _dave = new("dave", "local", "request-1");
    private static readonly Caller _alice = new("alice", "local", "request-2");

    private static readonly KeyRow _key = new()
    {
        Spec = "AES_256_GCM",
        Usage = KeyUsage.EncryptDecrypt,
        State = KeyState.Enabled,
        Protection = KeyProtection.Software,
        Origin = KeyOrigin.Generated,
        CreatedAt = _now,
        Approval = _rule,
    };

    /// <summary>A key with a rule.</summary>
    internal static KeyRow Row(ApprovalRule rule) => _key with { Approval = rule };

    [Fact]
    public void Settle_WhereNothingHappened_IsTheVeryRow()
    {
        Assert.Same(_key, KeyApprovals.Settle(_key, _now, 0));
        var asked = Ask(_key);
        Assert.Same(asked, KeyApprovals.Settle(asked, _now + _rule.Expires - TimeSpan.FromTicks(1), 0));
    }

    [Fact]
    public void Settle_AtTheDeadline_Expires()
    {
        var expired = Assert.Single(KeyApprovals.Settle(Ask(_key), _now.AddDays(8), 0).Approvals!);
        Assert.Equal((ApprovalState.Expired, _now.AddDays(7), null), (expired.State, expired.DecidedAt, expired.DecidedBy));
    }

    [Fact]
    public void Settle_WhatWasDecided_IsGoneAfterItsTime()
    {
        var row = Ask(_key);
        row = KeyApprovals.Cancel(row, row.Approvals![0].Number, _dave, _now);
        Assert.Same(row, KeyApprovals.Settle(row, _now + KmsLimits.DecidedApprovalsKept - TimeSpan.FromTicks(1), 0));
        Assert.Null(KeyApprovals.Settle(row, _now + KmsLimits.DecidedApprovalsKept, 0).Approvals);
    }

    [Fact]
    public void Settle_OfTooManyDecided_KeepsTheNewestAndAllThatWait()
    {
        var row = Ask(_key);
        for (var i = 0; i < KmsLimits.DecidedApprovals + 3; i++)
        {
            row = Ask(row, version: i + 1, at: _now.AddMinutes(i));
            row = KeyApprovals.Reject(row, row.Approvals![^1].Number, _alice, _now.AddMinutes(i));
        }

        var kept = KeyApprovals.Settle(row, _now.AddDays(1), 0).Approvals!;
        Assert.Equal(ApprovalState.Pending, kept[0].State);
        Assert.Equal(Enumerable.Range(4, KmsLimits.DecidedApprovals), kept.Skip(1).Select(a => a.Request.Version!.Value));
    }

    [Fact]
    public void Decided_ForgetsTexts()
    {
        var request = new RequestedOperation("keys:update")
        {
            Update = new() { Caller = _dave, Description = new(true, "secret"), Tags = new(true, new Dictionary<string, string> { ["a"] = "b" }), MinDecryptVersion = 3 },
        };
        var row = KeyApprovals.Ask(_key with { Approval = _rule with { Operations = ["update"] } }, "update", request, _dave, _now, 0);
        Assert.Equal("secret", row.Approvals![0].Request.Update!.Description.Value);
        var update = KeyApprovals.Cancel(row, row.Approvals[0].Number, _dave, _now).Approvals![0].Request.Update!;
        Assert.Equal((false, false, 3), (update.Description.IsSet, update.Tags.IsSet, update.MinDecryptVersion));
    }

    [Fact]
    public void FindSame_IsTheSameOperationWithTheSameArguments()
    {
        var row = Ask(_key, version: 2);
        Assert.NotNull(KeyApprovals.FindSame(row, Request(2)));
        Assert.Null(KeyApprovals.FindSame(row, Request(3)));
        Assert.Null(KeyApprovals.FindSame(row, Request(2) with { After = TimeSpan.FromDays(1) }));
        row = KeyApprovals.Cancel(row, row.Approvals![0].Number, _dave, _now);
        Assert.Null(KeyApprovals.FindSame(row, Request(2)));
    }

    [Theory]
    [InlineData("key~0123456789abcdef0123456789abcdef", "key")]
    [InlineData("a.b-c_d~0123456789abcdef0123456789abcdef", "a.b-c_d")]
    [InlineData("key~0123456789ABCDEF0123456789abcdef", null)]
    [InlineData("key~0123456789abcdef0123456789abcde", null)]
    [InlineData("~0123456789abcdef0123456789abcdef", null)]
    [InlineData("k/y~0123456789abcdef0123456789abcdef", null)]
    [InlineData("key", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void Id_NamesItsKey(string? id, string? key)
    {
        Assert.Equal(key is not null, ApprovalId.TryRead(id, out var read, out var number));
        Assert.Equal(key, read);
        if (key is not null) Assert.Equal(id, ApprovalId.Of(key, number!));
    }

    [Fact]
    public void Ids_SortByTimeWithinAKey_AndBeforeWhatStandsBehindIt()
    {
        var ids = Enumerable.Range(0, 5).Select(i => ApprovalId.Of("key", ApprovalId.NewNumber(_now.AddSeconds(i)))).ToList();
        Assert.Equal(ids, ids.Order(StringComparer.Ordinal));
        Assert.True(string.CompareOrdinal(ids[^1], ApprovalId.Behind("key")) < 0);
        Assert.True(ApprovalId.TryReadPlace(ApprovalId.Behind("key"), out var key) && key == "key");
        Assert.True(ApprovalId.TryReadPlace(ids[0], out key) && key == "key");
        Assert.False(ApprovalId.TryReadPlace("~~", out _));
    }

    private static RequestedOperation Request(int? version) => new("keys:schedule-destruction") { Version = version };

    private static KeyRow Ask(KeyRow row, int? version = null, DateTimeOffset? at = null) =>
        KeyApprovals.Ask(row, "destroy", Request(version), _dave, at ?? _now, 0);
}
