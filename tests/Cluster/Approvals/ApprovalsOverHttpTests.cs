using System.Text.Json.Nodes;
using OrleansKms.Tests.Cluster.Gateways;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Approvals;

/// <summary>Dual control as people meet it: each signed in as themselves, by two gateways, over three silos.</summary>
[Collection(TwoGatewaysCollection.Name)]
public sealed class ApprovalsOverHttpTests(TwoGateways gateways) : IAsyncLifetime
{
    private readonly string _prefix = "a" + Guid.NewGuid().ToString("N")[..8];
    private readonly Dictionary<string, string> _tokens = [];

    private ServiceProcess First => gateways.First;

    private ServiceProcess Second => gateways.Second;

    public async Task InitializeAsync()
    {
        using (var made = await PutPolicy("*"))
        {
            made.EnsureSuccessStatusCode();
        }

        foreach (var who in (string[])["asker", "alice", "bob", "carol"])
        {
            var policy = who == "asker" ? "key-manager" : _prefix + ".approver";
            _tokens[who] = (string)(await gateways.SignUp(Name(who), policy))["token"]!;
        }
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task AskedByOneGateway_ApprovedByTheOther_AndDoneOnce_WhileEverySiloIsReplaced()
    {
        var key = await Make(required: 2, "destroy");
        var approval = await Ask(First, $"/v1/keys/{key}/schedule-deletion", new JsonObject { ["after"] = "P30D" });
        Assert.Equal("pending", (string)(await Approve(Second, "alice", approval)).Body!["state"]!);
        Assert.Equal((409, "conflict"), await Refusal(Approve(First, "alice", approval)));
        Assert.Equal((403, "permission_denied"), await Refusal(Approve(Second, "asker", approval)));

        await gateways.ReplaceSilos();
        foreach (var gateway in (ServiceProcess[])[First, Second])
        {
            // A key that was on its way to another silo is there.
            await UntilAsync(async () => (await Get(gateway, "bob", $"/v1/approvals/{approval}")).Status == 200);
        }

        var waits = (await Get(First, "bob", $"/v1/approvals/{approval}")).Body!;
        Assert.Equal(("pending", Name("alice")), ((string)waits["state"]!, (string)waits["approvals"]!.AsArray().Single()!["principal"]!));
        Assert.Equal("enabled", await State(Second, key));

        var done = (await Approve(First, "bob", approval)).Body!;
        Assert.Equal(("executed", Name("bob")), ((string)done["state"]!, (string)done["decided_by"]!));
        foreach (var gateway in (ServiceProcess[])[First, Second])
        {
            Assert.Equal("pending_deletion", await State(gateway, key));
            Assert.Equal("executed", (string)(await Get(gateway, "carol", $"/v1/approvals/{approval}")).Body!["state"]!);
        }

        Assert.Equal((409, "conflict"), await Refusal(Approve(Second, "carol", approval)));
    }

    [Fact]
    public async Task TwoApproversAtOnce_ByTwoGateways_CarryItOutOnce()
    {
        var key = await Make(required: 1, "rotate");
        for (var round = 1; round <= 10; round++)
        {
            var approval = await Ask(First, $"/v1/keys/{key}/rotate");
            var votes = await Task.WhenAll(Approve(First, "alice", approval), Approve(Second, "bob", approval), Approve(Second, "carol", approval));
            Assert.Equal([200, 409, 409], votes.Select(vote => vote.Status).Order());
            Assert.Equal("executed", (string)votes.Single(vote => vote.Status == 200).Body!["state"]!);
            Assert.Equal(1 + round, (int)(await Second.Http.Describe(key))["primary_version"]!);
        }
    }

    [Fact]
    public async Task TwoOfTwoApproversAtOnce_AreBothCounted()
    {
        var key = await Make(required: 2, "rotate");
        for (var round = 1; round <= 5; round++)
        {
            var approval = await Ask(Second, $"/v1/keys/{key}/rotate");
            var votes = await Task.WhenAll(Approve(First, "alice", approval), Approve(Second, "bob", approval));
            Assert.Equal(["executed", "pending"], votes.Select(vote => (string)vote.Body!["state"]!).Order());
            Assert.Equal(1 + round, (int)(await First.Http.Describe(key))["primary_version"]!);
        }
    }

    [Fact]
    public async Task ApproverWhoseRightIsGone_IsRefusedByTheOtherGatewayToo()
    {
        // By the key's rule: at once. Leaving somebody out only tightens it, and needs nobody's approval.
        var key = await Make(required: 1, "rotate");
        var approval = await Ask(First, $"/v1/keys/{key}/rotate");
        await First.Http.Send(HttpMethod.Patch, $"/v1/keys/{key}", new() { ["approval"] = Rule(1, ["alice", "carol"], "rotate") });
        Assert.Equal((403, "permission_denied"), await Refusal(Approve(Second, "bob", approval)));

        // By policy, and by the end of the principal: within the bound.
        using (var narrowed = await PutPolicy("other.*")) narrowed.EnsureSuccessStatusCode();
        await UntilRefused("alice", approval, 403);
        using (var widened = await PutPolicy("*")) widened.EnsureSuccessStatusCode();
        await First.Http.Post($"/v1/principals/{Name("carol")}/disable");
        await UntilRefused("carol", approval, 401);
        Assert.Equal(1, (int)(await Second.Http.Describe(key))["primary_version"]!);
        await UntilAsync(async () => (await Approve(Second, "alice", approval)).Status == 200);
        Assert.Equal(2, (int)(await First.Http.Describe(key))["primary_version"]!);
    }

    [Fact]
    public async Task VoteOfOneWhoHasLostTheRightSince_CountsNoMore()
    {
        var key = await Make(required: 2, "rotate");
        var approval = await Ask(First, $"/v1/keys/{key}/rotate");
        Assert.Equal("pending", (string)(await Approve(First, "alice", approval)).Body!["state"]!);
        await First.Http.Post($"/v1/principals/{Name("alice")}/disable");
        Assert.Equal("pending", (string)(await Approve(Second, "bob", approval)).Body!["state"]!);
        Assert.Equal(1, (int)(await First.Http.Describe(key))["primary_version"]!);
        Assert.Equal("executed", (string)(await Approve(Second, "carol", approval)).Body!["state"]!);
        Assert.Equal(2, (int)(await First.Http.Describe(key))["primary_version"]!);
    }

    [Fact]
    public async Task StricterRule_ByOneGateway_HoldsForWhatWaitsAtTheOther_AndALooserOneWaitsItself()
    {
        var key = await Make(required: 1, "rotate");
        var approval = await Ask(First, $"/v1/keys/{key}/rotate");
        await First.Http.Send(HttpMethod.Patch, $"/v1/keys/{key}", new() { ["approval"] = Rule(2, ["alice", "bob", "carol"], "rotate") });
        Assert.Equal("pending", (string)(await Approve(Second, "alice", approval)).Body!["state"]!);
        var loosening = await TwoGateways.Send(Second, _tokens["asker"], HttpMethod.Patch, $"/v1/keys/{key}", new JsonObject { ["approval"] = null });
        Assert.Equal((202, "approval"), (loosening.Status, (string)loosening.Body!["operation"]!));
        Assert.Equal("executed", (string)(await Approve(First, "bob", approval)).Body!["state"]!);

        // The key's own policy is judged when an approver comes, and again when the operation is carried out.
        approval = await Ask(First, $"/v1/keys/{key}/rotate");
        await First.Http.Send(HttpMethod.Put, $"/v1/keys/{key}/policy", new()
        {
            ["statements"] = new JsonArray(new JsonObject { ["effect"] = "deny", ["actions"] = new JsonArray("approvals:approve"), ["principals"] = new JsonArray(Name("bob")) }),
        });
        Assert.Equal((403, "permission_denied"), await Refusal(Approve(Second, "bob", approval)));
        Assert.Equal("pending", (string)(await Approve(Second, "alice", approval)).Body!["state"]!);
        Assert.Equal("executed", (string)(await Approve(Second, "carol", approval)).Body!["state"]!);
        Assert.Equal(3, (int)(await First.Http.Describe(key))["primary_version"]!);
    }

    [Fact]
    public async Task Expired_IsRefusedByBothGateways_AndNeverDone()
    {
        var key = await Make(required: 1, "rotate", expires: "PT1S");
        var approval = await Ask(First, $"/v1/keys/{key}/rotate");
        await UntilAsync(async () => (string)(await Get(Second, "alice", $"/v1/approvals/{approval}")).Body!["state"]! == "expired");
        foreach (var gateway in (ServiceProcess[])[First, Second]) Assert.Equal((409, "conflict"), await Refusal(Approve(gateway, "alice", approval)));
        Assert.Equal(1, (int)(await Second.Http.Describe(key))["primary_version"]!);
        Assert.NotEqual(approval, await Ask(Second, $"/v1/keys/{key}/rotate"));
    }

    private string Name(string who) => $"{_prefix}-{who}";

    private JsonObject Rule(int required, string[] approvers, string operation, string expires = "P7D") => new()
    {
        ["operations"] = new JsonArray(operation),
        ["required"] = required,
        ["approvers"] = new JsonArray([.. approvers.Select(who => (JsonNode)Name(who))]),
        ["expires"] = expires,
    };

    private async Task<string> Make(int required, string operation, string expires = "P7D")
    {
        var key = $"{_prefix}.{Guid.NewGuid():N}";
        await First.Http.Post("/v1/keys", new() { ["id"] = key, ["approval"] = Rule(required, ["alice", "bob", "carol"], operation, expires) });
        return key;
    }

    /// <summary>Asks for an operation that waits; answers the approval's id.</summary>
    private async Task<string> Ask(ServiceProcess gateway, string path, JsonObject? body = null)
    {
        var (status, waiting, _) = await TwoGateways.Send(gateway, _tokens["asker"], HttpMethod.Post, path, body);
        Assert.True(status == 202, $"{status} {waiting}");
        return (string)waiting!["approval_id"]!;
    }

    private async Task<(int Status, JsonNode? Body)> Approve(ServiceProcess gateway, string who, string approval)
    {
        var (status, body, _) = await TwoGateways.Send(gateway, _tokens[who], HttpMethod.Post, $"/v1/approvals/{approval}/approve");
        return (status, body);
    }

    private async Task<(int Status, JsonNode? Body)> Get(ServiceProcess gateway, string who, string path)
    {
        var (status, body, _) = await TwoGateways.Send(gateway, _tokens[who], HttpMethod.Get, path);
        return (status, body);
    }

    private static async Task<(int, string?)> Refusal(Task<(int Status, JsonNode? Body)> answer) => (await answer) is var (status, body) ? (status, (string?)body!["code"]) : default;

    private static async Task<string> State(ServiceProcess gateway, string key) => (string)(await gateway.Http.Describe(key))["state"]!;

    /// <summary>Waits until somebody is refused by the gateway that did not make the change; what is approved meanwhile would be seen.</summary>
    private Task UntilRefused(string who, string approval, int status) =>
        UntilAsync(async () => (await Get(Second, who, $"/v1/approvals/{approval}")).Status == status);

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        using var patience = new CancellationTokenSource(ServiceProcess.Patience);
        while (!await isSo()) await Task.Delay(100, patience.Token);
    }

    private Task<HttpResponseMessage> PutPolicy(string keys) => First.Http.PutAsync(
        $"/v1/policies/{_prefix}.approver",
        new StringContent(
            $$"""{"statements":[{"effect":"allow","actions":["approvals:approve","approvals:list","approvals:describe"],"keys":["{{keys}}"]}]}""",
            System.Text.Encoding.UTF8, "application/json"));
}
