using System.Reflection;
using System.Text.Json;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Tests.Cluster.Approvals;

/// <summary>Operations of a key that wait until others approve.</summary>
public abstract class DualControlTests(DualControlFixture kms)
{
    /// <summary>
    /// Every grain method that a rule can guard, but for imports and exports, which an approval permits rather than carries out: those are in
    /// ImportedKeyTests.
    /// </summary>
    public static TheoryData<string> GuardedMethods() => new(Methods().Select(m => $"{m.Interface.Name}.{m.Method.Name}"));

    private static IEnumerable<(Type Interface, MethodInfo Method)> Methods() =>
        from type in typeof(IKeyGrain).Assembly.GetTypes()
        where type.IsInterface && typeof(IGrain).IsAssignableFrom(type) && type != typeof(IKeyImportGrain) && type != typeof(IKeyExportGrain)
        from method in type.GetMethods()
        where GuardedOperations.Has(KmsOperation.Named(method.GetCustomAttribute<OperationAttribute>()!.Name))
        select (type, method);

    [Theory]
    [MemberData(nameof(GuardedMethods))]
    public async Task GuardedOperation_ByWhateverMethod_WaitsAndChangesNothing_AndIsDoneOnceApproved(string name)
    {
        var (type, method) = Methods().Single(m => $"{m.Interface.Name}.{m.Method.Name}" == name);
        var id = "guarded." + name;
        await kms.Make(id, null);
        await kms.Silo.Key(id).Rotate(new(DualControlFixture.As("dave")));
        if (method.Name == nameof(IKeyPolicyGrain.RemovePolicy)) await kms.Silo.Grains.GetGrain<IKeyPolicyGrain>(id).SetPolicy(new(DualControlFixture.As("dave"), _policy));
        await kms.Update(id, DualControlFixture.Rule(1, [.. GuardedOperations.NamesOf(method.GetCustomAttribute<OperationAttribute>()!.Name)]));
        await BringAbout(id, method.Name);
        var before = await Text(id);

        var approval = await DualControlFixture.Waits(() => (Task)method.Invoke(
            kms.Silo.Grains.GetGrain(type, id), [Message(method.GetParameters().Single().ParameterType)])!);
        Assert.Equal((ApprovalState.Pending, id, "dave", 1), (approval.State, approval.KeyId, approval.RequestedBy, approval.Required));
        Assert.Equal(method.GetCustomAttribute<OperationAttribute>()!.Name, approval.Request.Operation);
        Assert.Equal(before, await Text(id));
        await kms.Restart();
        Assert.Equal(before, await Text(id));

        Assert.Equal(ApprovalState.Executed, (await kms.Approve(approval, "alice")).State);
        Assert.NotEqual(before, await Text(id));
    }

    [Fact]
    public async Task LastApproval_CarriesItOutInOneCommit_ByTheTimeOfThen_AcrossRestarts()
    {
        await kms.Make("two", DualControlFixture.Rule(2, ["destroy"]));
        var asked = await DualControlFixture.Waits(() => kms.Silo.Key("two").ScheduleDeletion(new(DualControlFixture.As("dave"), TimeSpan.FromDays(3))));
        Assert.Equal(("destroy", kms.Time.GetUtcNow() + DualControlFixture.Week, TimeSpan.FromDays(3)), (asked.Guard, asked.ExpiresAt, asked.Request.After));

        await kms.Restart();
        kms.Time.Advance(TimeSpan.FromDays(1));
        var first = await kms.Approve(asked, "alice");
        Assert.Equal((ApprovalState.Pending, "alice"), (first.State, Assert.Single(first.Approvals).Principal));
        Assert.Equal(KeyState.Enabled, (await kms.Row("two")).State);

        await kms.Restart();
        kms.Time.Advance(TimeSpan.FromDays(1));
        var before = await kms.Row("two");
        var done = await kms.Approve(asked, "bob");
        Assert.Equal((ApprovalState.Executed, "bob", kms.Time.GetUtcNow()), (done.State, done.DecidedBy, done.DecidedAt));
        Assert.Equal(["alice", "bob"], done.Approvals.Select(a => a.Principal));
        var after = await kms.Row("two");
        Assert.Equal((KeyState.PendingDeletion, kms.Time.GetUtcNow() + TimeSpan.FromDays(3), before.Revision + 1), (after.State, after.DeletionAt, after.Revision));
        Assert.Equal(ApprovalState.Executed, Assert.Single(after.Approvals!).State);

        await kms.Restart();
        Assert.Equal(ApprovalState.Executed, (await kms.Describe(asked)).State);
        await DualControlFixture.Refused("conflict", () => kms.Approve(asked, "carol"));
    }

    [Fact]
    public async Task Asker_Stranger_AndWhoHasApproved_DoNotCount_UnderAnyCredential()
    {
        await kms.Make("who", DualControlFixture.Rule(2, ["rotate"], "alice", "dave", "ops-*"));
        var asked = await DualControlFixture.Waits(() => kms.Silo.Key("who").Rotate(new(DualControlFixture.As("dave", "token:1"))));
        await DualControlFixture.Refused("permission_denied", () => kms.Approve(asked, "dave", "token:1"));
        await DualControlFixture.Refused("permission_denied", () => kms.Approve(asked, "dave", "certificate:dave"));
        await DualControlFixture.Refused("permission_denied", () => kms.Approve(asked, "admin"));
        await DualControlFixture.Refused("permission_denied", () => kms.Approve(asked, "alice2"));
        await DualControlFixture.Refused("permission_denied", () => kms.Approvals("who").Reject(new(DualControlFixture.As("mallory"), asked.Id)));
        await kms.Approve(asked, "ops-1", "token:2");
        await DualControlFixture.Refused("conflict", () => kms.Approve(asked, "ops-1", "jwt:issuer"));
        Assert.Equal((ApprovalState.Pending, 1), await Standing(asked));
        Assert.Equal(1, (await kms.Row("who")).PrimaryVersion);
        Assert.Equal(ApprovalState.Executed, (await kms.Approve(asked, "ops-2")).State);
        Assert.Equal(2, (await kms.Row("who")).PrimaryVersion);
    }

    [Fact]
    public async Task Administrator_IsBoundLikeEveryone_AndMayApproveWhereTheRuleNamesHim()
    {
        await kms.Make("bound", DualControlFixture.Rule(1, ["disable"], "admin", "alice"));
        var asked = await DualControlFixture.Waits(() => kms.Silo.Key("bound").Disable(new(DualControlFixture.As("admin"))));
        await DualControlFixture.Refused("permission_denied", () => kms.Approve(asked, "admin"));
        await kms.Approve(asked, "alice");
        await kms.Silo.Key("bound").Enable(new(DualControlFixture.As("dave")));
        asked = await DualControlFixture.Waits(() => kms.Silo.Key("bound").Disable(new(DualControlFixture.As("dave"))));
        Assert.Equal(ApprovalState.Executed, (await kms.Approve(asked, "admin")).State);
    }

    [Fact]
    public async Task Expired_IsNeverDone_AndAskedAgainIsAnother()
    {
        await kms.Make("late", DualControlFixture.Rule(1, ["rotate"]));
        var asked = await Rotate("late");
        kms.Time.Advance(DualControlFixture.Week);
        await DualControlFixture.Refused("conflict", () => kms.Approve(asked, "alice"));
        var expired = await kms.Describe(asked);
        Assert.Equal((ApprovalState.Expired, asked.ExpiresAt, null), (expired.State, expired.DecidedAt, expired.DecidedBy));
        Assert.Equal(ApprovalState.Expired, Assert.Single((await kms.Row("late")).Approvals!).State);
        Assert.Equal(1, (await kms.Row("late")).PrimaryVersion);

        var again = await Rotate("late");
        Assert.NotEqual(asked.Id, again.Id);
        kms.Time.Advance(DualControlFixture.Week - TimeSpan.FromSeconds(1));
        await kms.Approve(again, "alice");
        Assert.Equal(2, (await kms.Row("late")).PrimaryVersion);
    }

    [Fact]
    public async Task StricterRule_HoldsForWhatWaits()
    {
        await kms.Make("stricter", DualControlFixture.Rule(1, ["rotate"]));
        var asked = await Rotate("stricter");
        await kms.Update("stricter", DualControlFixture.Rule(2, ["rotate"]));
        Assert.Equal(ApprovalState.Pending, (await kms.Approve(asked, "alice")).State);
        Assert.Equal(2, (await kms.Describe(asked)).Required);
        await kms.Update("stricter", DualControlFixture.Rule(2, ["rotate"]) with { Expires = TimeSpan.FromDays(1) });
        Assert.Equal(asked.RequestedAt + TimeSpan.FromDays(1), (await kms.Describe(asked)).ExpiresAt);
        kms.Time.Advance(TimeSpan.FromDays(1));
        await DualControlFixture.Refused("conflict", () => kms.Approve(asked, "bob"));
        Assert.Equal(ApprovalState.Expired, (await kms.Describe(asked)).State);
        Assert.Equal(1, (await kms.Row("stricter")).PrimaryVersion);
    }

    [Fact]
    public async Task ApproverWhoLostTheRight_CountsNoMore()
    {
        await kms.Make("lost", DualControlFixture.Rule(2, ["rotate"]));
        var asked = await Rotate("lost");
        await kms.Approve(asked, "alice");
        await kms.Update("lost", DualControlFixture.Rule(2, ["rotate"], "bob", "carol"));
        Assert.Equal((ApprovalState.Pending, 0), await Standing(asked));
        await DualControlFixture.Refused("permission_denied", () => kms.Approve(asked, "alice"));
        Assert.Equal(ApprovalState.Pending, (await kms.Approve(asked, "bob")).State);
        Assert.Equal(1, (await kms.Row("lost")).PrimaryVersion);
        var done = await kms.Approve(asked, "carol");
        Assert.Equal(ApprovalState.Executed, done.State);
        Assert.Equal(["bob", "carol"], done.Approvals.Select(a => a.Principal));
    }

    /// <summary>By the key's own policy, which may look at the address that an approver called from.</summary>
    [Fact]
    public async Task ApproverWhomTheKeysPolicyDeniesSince_CountsNoMore_AndMayApproveAgainOnceItDoesNot()
    {
        await kms.Make("own", DualControlFixture.Rule(2, ["rotate"]));
        var asked = await Rotate("own");
        var own = kms.Silo.Grains.GetGrain<IKeyPolicyGrain>("own");
        Task Deny(params PolicyStatement[] statements) => own.SetPolicy(new(DualControlFixture.As("dave"), PolicyText.Of(statements)));
        var denied = new PolicyStatement(PolicyEffect.Deny, ["approvals:approve"], []);
        Task<ApprovalDescription> ApproveFrom(string address, string by) =>
            kms.Approvals("own").Approve(new(new(by, address, "request"), asked.Id));

        await ApproveFrom("10.1.1.1", "alice");
        await Deny(denied with { Principals = ["alice"] });
        await DualControlFixture.Refused("permission_denied", () => ApproveFrom("10.1.1.1", "alice"));
        Assert.Equal((ApprovalState.Pending, "bob"), await ApproveFrom("10.1.1.2", "bob") is var first ? (first.State, Assert.Single(first.Approvals).Principal) : default);

        await Deny(denied with { When = new() { Source = ["10.0.0.0/8"] } });
        Assert.Equal((ApprovalState.Pending, "carol"), await ApproveFrom("192.0.2.1", "carol") is var second ? (second.State, Assert.Single(second.Approvals).Principal) : default);
        await DualControlFixture.Refused("permission_denied", () => ApproveFrom("10.1.1.1", "alice"));
        await Deny(denied with { Principals = ["carol"], When = new() { NotBefore = kms.Time.GetUtcNow() } });
        Assert.Equal((ApprovalState.Pending, "bob"), await ApproveFrom("192.0.2.1", "bob") is var third ? (third.State, Assert.Single(third.Approvals).Principal) : default);
        await own.RemovePolicy(new(DualControlFixture.As("dave")));
        Assert.Equal(ApprovalState.Executed, (await ApproveFrom("10.1.1.1", "carol")).State);
        Assert.Equal(2, (await kms.Row("own")).PrimaryVersion);
    }

    [Fact]
    public async Task ApproverWhoFell_MayApproveAgain_OnceHeMay()
    {
        await kms.Make("again", DualControlFixture.Rule(2, ["rotate"]));
        var asked = await Rotate("again");
        await kms.Approve(asked, "alice");
        kms.Silo.Principals.Fallen = "alice";
        try
        {
            Assert.Equal(["bob"], (await kms.Approve(asked, "bob")).Approvals.Select(a => a.Principal));
        }
        finally
        {
            kms.Silo.Principals.Fallen = null;
        }

        Assert.Equal(ApprovalState.Executed, (await kms.Approve(asked, "alice")).State);
    }

    [Fact]
    public async Task RequesterWhoMayNotAnyMore_MakesItFail()
    {
        await kms.Make("stripped", DualControlFixture.Rule(1, ["rotate", "disable"]));
        var rotate = await DualControlFixture.Waits(() => kms.Silo.Key("stripped").Rotate(new(DualControlFixture.As("dave", "token:1"))));
        kms.Silo.Principals.Fallen = "dave";
        try
        {
            await DualControlFixture.Refused("permission_denied", () => kms.Approve(rotate, "alice"));
        }
        finally
        {
            kms.Silo.Principals.Fallen = null;
        }

        var failed = await kms.Describe(rotate);
        Assert.Equal((ApprovalState.Failed, "permission_denied", "alice"), (failed.State, failed.Error, failed.DecidedBy));

        // A .NET service is no principal, but the key's policy is for it, too.
        rotate = await DualControlFixture.Waits(() => kms.Silo.Key("stripped").Rotate(new(DualControlFixture.As("erin"))));
        var disable = await DualControlFixture.Waits(() => kms.Silo.Key("stripped").Disable(new(DualControlFixture.As("erin"))));
        await kms.Silo.Grains.GetGrain<IKeyPolicyGrain>("stripped").SetPolicy(
            new(DualControlFixture.As("dave"), PolicyText.Of([new(PolicyEffect.Deny, ["keys:rotate"], []) { Principals = ["erin"] }])));
        await DualControlFixture.Refused("permission_denied", () => kms.Approve(rotate, "alice"));
        Assert.Equal(1, (await kms.Row("stripped")).PrimaryVersion);
        kms.Silo.Principals.Fallen = "erin";
        try
        {
            Assert.Equal(ApprovalState.Executed, (await kms.Approve(disable, "alice")).State);
        }
        finally
        {
            kms.Silo.Principals.Fallen = null;
        }
    }

    /// <summary>Of a rule that guards the policy: neither could be undone by anybody.</summary>
    [Fact]
    public async Task PolicyThatWouldKeepTheApproversFromUndoingIt_IsRefused()
    {
        await kms.Make("locked", DualControlFixture.Rule(1, ["policy"], "alice"));
        var own = kms.Silo.Grains.GetGrain<IKeyPolicyGrain>("locked");
        var onlyUses = PolicyText.Of([new(PolicyEffect.Allow, ["use"], [])]);
        await DualControlFixture.Refused("conflict", () => own.SetPolicy(new(DualControlFixture.As("dave"), onlyUses)));
        await kms.Make("unlocked", null);
        await kms.Silo.Grains.GetGrain<IKeyPolicyGrain>("unlocked").SetPolicy(new(DualControlFixture.As("dave"), onlyUses));
        await DualControlFixture.Refused("conflict", () => kms.Update("unlocked", DualControlFixture.Rule(1, ["policy"], "alice"), by: "admin"));
        await kms.Update("unlocked", DualControlFixture.Rule(1, ["policy"], "alice", "admin"), by: "admin");
    }

    /// <summary>What an approval permits rather than carries out: all of the two interfaces that the other test leaves out.</summary>
    [Fact]
    public async Task ImportAndExport_ByWhateverMethod_WaitAndChangeNothing_AndAreForTheRequesterOnceApproved()
    {
        var others = new[] { typeof(IKeyImportGrain), typeof(IKeyExportGrain) }.SelectMany(type => type.GetMethods())
            .Where(method => GuardedOperations.Has(KmsOperation.Named(method.GetCustomAttribute<OperationAttribute>()!.Name)));
        Assert.Equal(["Export", "MakeParameters"], others.Select(method => method.Name).Order());
        using var rsa = System.Security.Cryptography.RSA.Create(2048);
        var wrapping = rsa.ExportSubjectPublicKeyInfo();
        await kms.Silo.Key("exported").Create(new() { Caller = DualControlFixture.As("dave"), Exportable = true, Approval = DualControlFixture.Rule(1, ["export"]) });
        await kms.Silo.Key("imported").Create(new() { Caller = DualControlFixture.As("dave"), Origin = KeyOrigin.External, Approval = DualControlFixture.Rule(1, ["import"]) });
        Task Export(string by) => kms.Silo.Grains.GetGrain<IKeyExportGrain>("exported").Export(new(DualControlFixture.As(by), wrapping));
        Task Import(string by) => kms.Silo.Grains.GetGrain<IKeyImportGrain>("imported").MakeParameters(new(DualControlFixture.As(by)));
        foreach (var (id, ask) in ((string, Func<string, Task>)[])[("exported", Export), ("imported", Import)])
        {
            var before = await Text(id);
            var asked = await DualControlFixture.Waits(() => ask("dave"));
            await kms.Restart();
            Assert.Equal(ApprovalState.Executed, (await kms.Approve(asked, "alice")).State);
            Assert.Equal(before, await Text(id));
            await DualControlFixture.Waits(() => ask("erin"));
            await ask("dave");
        }
    }

    [Fact]
    public async Task Loosening_IsGuarded_WhateverTheRuleNames_AndVoidsWhatItGuardsNoMore()
    {
        var rule = DualControlFixture.Rule(2, ["disable", "rotate"]);
        await kms.Make("loose", rule);
        var disable = await DualControlFixture.Waits(() => kms.Silo.Key("loose").Disable(new(DualControlFixture.As("dave"))));
        foreach (var looser in (ApprovalRule?[])[null, rule with { Required = 1 }, rule with { Operations = ["disable"] }, rule with { Approvers = ["alice", "bob", "carol", "eve"] }, rule with { Expires = 2 * DualControlFixture.Week }])
        {
            var asked = await DualControlFixture.Waits(() => kms.Update("loose", looser));
            Assert.Equal(("approval", looser), (asked.Guard, asked.Request.Update!.Approval.Value));
        }

        Assert.Equal(rule, (await kms.Row("loose")).Approval);
        var clear = await DualControlFixture.Waits(() => kms.Update("loose", null));
        await kms.Approve(clear, "alice");
        Assert.Equal(ApprovalState.Executed, (await kms.Approve(clear, "bob")).State);
        Assert.Null((await kms.Row("loose")).Approval);

        var voided = await kms.Describe(disable);
        Assert.Equal((ApprovalState.Cancelled, null), (voided.State, voided.DecidedBy));
        await DualControlFixture.Refused("conflict", () => kms.Approve(disable, "alice"));
        Assert.Equal(KeyState.Disabled, (await kms.Silo.Key("loose").Disable(new(DualControlFixture.As("dave")))).State);
    }

    [Fact]
    public async Task Tightening_IsFree_UnlessTheRuleNamesIt()
    {
        await kms.Make("tighter", DualControlFixture.Rule(1, ["rotate"]));
        await kms.Update("tighter", DualControlFixture.Rule(2, ["rotate", "update"], "alice", "bob"));
        Assert.Equal(2, (await kms.Row("tighter")).Approval!.Required);
        await kms.Update("tighter", DualControlFixture.Rule(2, ["rotate", "update", "approval"], "alice", "bob"));
        var asked = await DualControlFixture.Waits(() => kms.Update("tighter", DualControlFixture.Rule(2, ["rotate", "update", "approval", "destroy"], "alice", "bob")));
        Assert.Equal("approval", asked.Guard);

        // What changes nothing waits for nobody.
        await kms.Update("tighter", DualControlFixture.Rule(2, ["rotate", "update", "approval"], "alice", "bob"));
    }

    [Fact]
    public async Task WhatCanNoLongerBeDone_EndsAsFailed()
    {
        await kms.Make("changed", DualControlFixture.Rule(2, ["rotate"]));
        var asked = await Rotate("changed");
        await kms.Approve(asked, "alice");
        await kms.Silo.Key("changed").Disable(new(DualControlFixture.As("dave")));
        await DualControlFixture.Refused("key_disabled", () => kms.Silo.Key("changed").Rotate(new(DualControlFixture.As("dave"))));
        await DualControlFixture.Refused("key_disabled", () => kms.Approve(asked, "bob"));
        var failed = await kms.Describe(asked);
        Assert.Equal((ApprovalState.Failed, "key_disabled", "bob"), (failed.State, failed.Error, failed.DecidedBy));
        await kms.Silo.Key("changed").Enable(new(DualControlFixture.As("dave")));
        await DualControlFixture.Refused("conflict", () => kms.Approve(asked, "carol"));
        Assert.Equal(1, (await kms.Row("changed")).PrimaryVersion);
    }

    [Fact]
    public async Task DestroyedKey_TakesWhatWaitsAlong()
    {
        await kms.Make("gone", DualControlFixture.Rule(1, ["rotate"]));
        var asked = await Rotate("gone");
        await kms.Silo.Key("gone").ScheduleDeletion(new(DualControlFixture.As("dave"), TimeSpan.FromDays(1)));
        kms.Time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(KeyState.Destroyed, (await kms.Silo.Key("gone").Describe(new(DualControlFixture.As("dave")))).State);
        var failed = await kms.Describe(asked);
        Assert.Equal((ApprovalState.Failed, "key_destroyed", null), (failed.State, failed.Error, failed.DecidedBy));
        await DualControlFixture.Refused("conflict", () => kms.Approve(asked, "alice"));
        Assert.False((await kms.Index("gone"))!.SomeWait);
    }

    [Fact]
    public async Task RejectedAndCancelled_AreNeverDone()
    {
        await kms.Make("no", DualControlFixture.Rule(1, ["rotate"]));
        var asked = await Rotate("no");
        var rejected = await kms.Approvals("no").Reject(new(DualControlFixture.As("bob"), asked.Id));
        Assert.Equal((ApprovalState.Rejected, "bob"), (rejected.State, rejected.DecidedBy));
        await DualControlFixture.Refused("conflict", () => kms.Approve(asked, "alice"));
        asked = await Rotate("no");
        Assert.Equal(ApprovalState.Cancelled, (await kms.Approvals("no").Cancel(new(DualControlFixture.As("dave"), asked.Id))).State);
        await DualControlFixture.Refused("conflict", () => kms.Approve(asked, "alice"));
        await DualControlFixture.Refused("conflict", () => kms.Approvals("no").Cancel(new(DualControlFixture.As("dave"), asked.Id)));
        Assert.Equal(1, (await kms.Row("no")).PrimaryVersion);
    }

    [Fact]
    public async Task TheSameAskedAgain_IsOneApproval_AndTooManyAreRefused()
    {
        await kms.Make("many", DualControlFixture.Rule(1, ["destroy", "update"]));
        Task<ApprovalDescription> Ask(int days, string by = "dave") =>
            DualControlFixture.Waits(() => kms.Silo.Key("many").ScheduleDeletion(new(DualControlFixture.As(by), TimeSpan.FromDays(days))));
        var asked = await Ask(1);
        Assert.Equal((asked.Id, "dave"), (await Ask(1) is var same ? same.Id : "", same.RequestedBy));
        Assert.Equal(asked.Id, (await Ask(1, by: "erin")).Id);
        for (var days = 2; days <= KmsLimits.PendingApprovals; days++) Assert.NotEqual(asked.Id, (await Ask(days)).Id);
        await DualControlFixture.Refused("conflict", () => kms.Silo.Key("many").ScheduleDeletion(new(DualControlFixture.As("dave"), TimeSpan.FromDays(100))));
        Assert.Equal(asked.Id, (await Ask(1)).Id);
        Assert.Equal(KmsLimits.PendingApprovals, (await kms.Approvals("many").List(new(DualControlFixture.As("dave"), ApprovalState.Pending))).Length);
        await kms.Approvals("many").Cancel(new(DualControlFixture.As("dave"), asked.Id));
        var update = await DualControlFixture.Waits(() => kms.Silo.Key("many").Update(new()
        {
            Caller = DualControlFixture.As("dave"),
            Description = new(true, "described"),
            Tags = new(true, new Dictionary<string, string> { ["team"] = "shop" }),
            Rotation = new(true, new(TimeSpan.FromDays(90), null)),
        }));
        await kms.Restart();
        await kms.Approve(update, "alice");
        var row = await kms.Row("many");
        Assert.Equal(("described", "shop", TimeSpan.FromDays(90)), (row.Description, row.Tags!["team"], row.Rotation!.Every));
    }

    [Fact]
    public async Task TwoApproversAtOnce_OneCarriesItOut()
    {
        await kms.Make("race", DualControlFixture.Rule(1, ["rotate"]));
        for (var round = 1; round <= 5; round++)
        {
            var asked = await Rotate("race");
            var codes = await Task.WhenAll(new[] { "alice", "bob", "carol" }.Select(async by =>
                (await Record.ExceptionAsync(() => kms.Approve(asked, by)) as KmsException)?.Code));
            Assert.Equal([null, "conflict", "conflict"], codes.Order());
            Assert.Equal(1 + round, (await kms.Row("race")).Versions.Count);
        }
    }

    [Fact]
    public async Task LastApproval_FailingAtEachAwait_IsCarriedOutOnceOrNotAtAll()
    {
        for (var point = 0; ; point++)
        {
            var id = $"fails.{point}";
            await kms.Make(id, DualControlFixture.Rule(1, ["rotate"]));
            var asked = await Rotate(id);
            kms.Silo.Gate.FailAt(point, new OrleansKms.Grains.Storage.StorageFailedException("the connection broke", outcomeUnknown: true, new IOException("broken")));
            var failure = await Record.ExceptionAsync(() => kms.Approve(asked, "alice"));
            var hasFailed = kms.Silo.Gate.Reached.IsCompleted;
            kms.Silo.Gate.HoldAt(-1);
            var row = await kms.Row(id);
            Assert.Equal(row.Approvals![0].State == ApprovalState.Executed ? 2 : 1, row.Versions.Count);
            if ((await kms.Describe(asked)).State == ApprovalState.Pending) await kms.Approve(asked, "bob");
            Assert.Equal((ApprovalState.Executed, 2), ((await kms.Describe(asked)).State, (await kms.Row(id)).Versions.Count));
            if (!hasFailed)
            {
                Assert.Null(failure);
                Assert.True(point > 4, "nothing failed");
                return;
            }
        }
    }

    [Fact]
    public async Task Directory_NamesKeysWithApprovals_WhileThereAreAny()
    {
        await kms.Make("listed.a", DualControlFixture.Rule(1, ["rotate"]));
        await kms.Make("listed.b", DualControlFixture.Rule(1, ["rotate"]));
        await kms.Make("listed.c", DualControlFixture.Rule(1, ["rotate"]));
        var (first, second) = (await Rotate("listed.a"), await Rotate("listed.b"));
        Assert.Equal(["listed.a", "listed.b"], await Listed(onlyPending: true));
        await kms.Approve(first, "alice");
        Assert.Equal(["listed.b"], await Listed(onlyPending: true));
        Assert.Equal(["listed.a", "listed.b"], await Listed(onlyPending: false));
        await Rotate("listed.a");
        Assert.Equal(["listed.a", "listed.b"], await Listed(onlyPending: true));
        await kms.Restart();

        kms.Time.Advance(DualControlFixture.Week);
        Assert.Equal(ApprovalState.Expired, Assert.Single(await kms.Approvals("listed.b").List(new(DualControlFixture.As("dave")))).State);
        kms.Time.Advance(KmsLimits.DecidedApprovalsKept);
        Assert.Empty(await kms.Approvals("listed.b").List(new(DualControlFixture.As("dave"))));
        await DualControlFixture.Refused("approval_not_found", () => kms.Describe(second));
        Assert.Null(await kms.Index("listed.b"));
        Assert.DoesNotContain("listed.b", await Listed(onlyPending: false));
    }

    [Fact]
    public async Task Unknown_IsNotFound()
    {
        await kms.Make("known", DualControlFixture.Rule(1, ["rotate"]));
        var asked = await Rotate("known");
        foreach (var id in (string[])["", "known", asked.Id + "0", ApprovalId.Of("known", new string('0', 32)), ApprovalId.Of("other", asked.Id[^32..])])
        {
            await DualControlFixture.Refused("approval_not_found", () => kms.Approvals("known").Approve(new(DualControlFixture.As("alice"), id)));
            await DualControlFixture.Refused("approval_not_found", () => kms.Approvals("known").Describe(new(DualControlFixture.As("alice"), id)));
        }

        var missing = ApprovalId.Of("missing", new string('0', 32));
        await DualControlFixture.Refused("approval_not_found", () => kms.Approvals("missing").Describe(new(DualControlFixture.As("alice"), missing)));
        await DualControlFixture.Refused("key_not_found", () => kms.Approvals("missing").List(new(DualControlFixture.As("alice"))));
    }

    private Task<ApprovalDescription> Rotate(string id) => kms.AskToRotate(id);

    private async Task<(ApprovalState State, int Approvals)> Standing(ApprovalDescription approval)
    {
        var now = await kms.Describe(approval);
        return (now.State, now.Approvals.Length);
    }

    private async Task<IEnumerable<string>> Listed(bool onlyPending) => (await kms.Silo.Grains
        .GetGrain<IApprovalsDirectoryGrain>(IApprovalsDirectoryGrain.Key).ListKeys(new(DualControlFixture.As("dave"), "list", 10, onlyPending))).Ids
        .Where(id => id.StartsWith("listed.", StringComparison.Ordinal));

    /// <summary>All of the key but its approvals.</summary>
    private async Task<string> Text(string id) =>
        JsonSerializer.Serialize(await kms.Row(id) with { Approvals = null, History = null, Revision = 0 }, KeyRowJson.Default.KeyRow);

    /// <summary>A state in which the method has something to do.</summary>
    private Task BringAbout(string id, string method) => method switch
    {
        nameof(IKeyGrain.Enable) => kms.Silo.Key(id).Disable(new(DualControlFixture.As("dave"))),
        nameof(IKeyGrain.EnableVersion) => kms.Silo.Key(id).DisableVersion(new(DualControlFixture.As("dave"), 1)),
        nameof(IKeyGrain.CancelDeletion) => kms.Silo.Key(id).ScheduleDeletion(new(DualControlFixture.As("dave"), TimeSpan.FromDays(3))),
        nameof(IKeyVersionsGrain.CancelDestruction) => kms.Silo.Versions(id).ScheduleDestruction(new(DualControlFixture.As("dave"), 1, TimeSpan.FromDays(3))),
        _ => Task.CompletedTask,
    };

    private static readonly byte[] _policy = PolicyText.Of([new(PolicyEffect.Deny, ["use"], []) { Principals = ["mallory"] }]);

    private static object Message(Type type) => type.Name switch
    {
        nameof(UpdateKey) => new UpdateKey { Caller = DualControlFixture.As("dave"), Description = new(true, "changed") },
        nameof(KeyCommand) => new KeyCommand(DualControlFixture.As("dave")),
        nameof(KeyVersionCommand) => new KeyVersionCommand(DualControlFixture.As("dave"), 1),
        nameof(ScheduleDeletion) => new ScheduleDeletion(DualControlFixture.As("dave"), TimeSpan.FromDays(30)),
        nameof(ScheduleVersionDestruction) => new ScheduleVersionDestruction(DualControlFixture.As("dave"), 1),
        nameof(SetKeyPolicy) => new SetKeyPolicy(DualControlFixture.As("dave"), _policy),
        _ => throw new InvalidOperationException($"Add a message of the type {type} here."),
    };
}

/// <summary>On the embedded database.</summary>
public sealed class DualControlOnSqliteTests(EmbeddedDualControl kms) : DualControlTests(kms), IClassFixture<EmbeddedDualControl>;

/// <summary>On Postgres, where there can be two activations of a key.</summary>
public sealed class DualControlOnPostgresTests(PostgresDualControl kms) : DualControlTests(kms), IClassFixture<PostgresDualControl>
{
    private readonly PostgresDualControl _kms = kms;

    [Fact]
    public async Task TwoApproversAtOnce_ByTwoActivations_OneCarriesItOut()
    {
        await using var other = await _kms.Start();
        await _kms.Make("both", DualControlFixture.Rule(1, ["rotate"]));
        for (var round = 1; round <= 8; round++)
        {
            var asked = await DualControlFixture.Waits(() => _kms.Silo.Key("both").Rotate(new(DualControlFixture.As("dave"))));
            var votes = new[] { (_kms.Silo, "alice"), (other, "bob") }.Select(async vote =>
                (await Record.ExceptionAsync(() => vote.Item1.Grains.GetGrain<IKeyApprovalsGrain>("both").Approve(new(DualControlFixture.As(vote.Item2), asked.Id))) as KmsException)?.Code);
            Assert.Equal([null, "conflict"], (await Task.WhenAll(votes)).Order());
            Assert.Equal(1 + round, (await _kms.Row("both")).Versions.Count);
            Assert.Equal(ApprovalState.Executed, (await _kms.Describe(asked)).State);
            Assert.False((await _kms.Index("both"))!.SomeWait);
        }
    }
}
