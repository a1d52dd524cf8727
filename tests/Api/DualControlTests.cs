using System.Net;
using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Api;

/// <summary>Dual control over HTTP, as the contract has it.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class DualControlTests(DefaultApi api)
{
    private static readonly object _rule = new { operations = (string[])["destroy", "rotate", "update"], required = 1, approvers = (string[])["approver-*"] };

    [Fact]
    public async Task Rule_AtCreation_IsDescribed_WithItsDefault()
    {
        var id = await api.NewKey(new { approval = _rule });
        var key = (await api.Get($"/v1/keys/{id}")).Is(HttpStatusCode.OK).Json;
        Assert.Equal(
            """{"operations":["destroy","rotate","update"],"required":1,"approvers":["approver-*"],"expires":"P7D"}""", key["approval"]!.ToJsonString());
        Assert.Null((await api.Get($"/v1/keys/{await api.NewKey()}")).Json["approval"]);
    }

    [Theory]
    [InlineData("""{"operations":["destroy"],"required":1,"approvers":["a"],"expires":"P1Y"}""", "invalid_parameter")]
    [InlineData("""{"operations":["destroy"],"required":1,"approvers":["a"],"expires":"PT0S"}""", "invalid_parameter")]
    [InlineData("""{"operations":["destroy"],"required":0,"approvers":["a"]}""", "invalid_parameter")]
    [InlineData("""{"operations":["destroy"],"required":6,"approvers":["*"]}""", "invalid_parameter")]
    [InlineData("""{"operations":["destroy"],"required":2,"approvers":["a"]}""", "invalid_parameter")]
    [InlineData("""{"operations":["encrypt"],"required":1,"approvers":["a"]}""", "invalid_parameter")]
    [InlineData("""{"operations":[],"required":1,"approvers":["a"]}""", "invalid_parameter")]
    [InlineData("""{"operations":[null],"required":1,"approvers":["a"]}""", "invalid_parameter")]
    [InlineData("""{"operations":["destroy"],"required":1,"approvers":[]}""", "invalid_parameter")]
    [InlineData("""{"operations":["destroy"],"required":1,"approvers":["a*b"]}""", "invalid_parameter")]
    [InlineData("""{"operations":["destroy"],"required":1}""", "invalid_request")]
    [InlineData("""{"operations":["destroy"],"approvers":["a"]}""", "invalid_request")]
    [InlineData("""{"required":1,"approvers":["a"]}""", "invalid_request")]
    [InlineData("""{"operations":"destroy","required":1,"approvers":["a"]}""", "invalid_request")]
    [InlineData("""{"operations":["destroy"],"required":1,"approvers":["a"],"quorum":1}""", "invalid_request")]
    public async Task Rule_ThatIsNone_IsRefused_AtCreationAndByPatch(string rule, string code)
    {
        (await api.PostText("/v1/keys", $$"""{"approval":{{rule}}}""")).Is(HttpStatusCode.BadRequest, code);
        (await api.Patch($"/v1/keys/{await api.NewKey()}", $$"""{"approval":{{rule}}}""")).Is(HttpStatusCode.BadRequest, code);
    }

    [Fact]
    public async Task GuardedOperation_Answers202_WithTheApproval_AndIsNotDone()
    {
        var id = await api.NewKey(new { approval = _rule });
        var answer = (await api.Post($"/v1/keys/{id}/schedule-deletion", new { after = "P30D" })).Is(HttpStatusCode.Accepted);
        var pending = answer.Json.AsObject();
        Assert.Equal(
            ["approval_id", "state", "key_id", "operation", "action", "arguments", "requested_by", "requested_at", "expires_at", "required", "approvals"],
            pending.Select(p => p.Key));
        Assert.Equal(("pending", id, "destroy", "keys:schedule-deletion", "admin", 1), (
            (string)pending["state"]!, (string)pending["key_id"]!, (string)pending["operation"]!, (string)pending["action"]!, (string)pending["requested_by"]!, (int)pending["required"]!));
        Assert.Equal("""{"after":"P30D"}""", pending["arguments"]!.ToJsonString());
        Assert.Empty(pending["approvals"]!.AsArray());
        Assert.Equal(DateTime.Parse((string)pending["requested_at"]!, null).AddDays(7), DateTime.Parse((string)pending["expires_at"]!, null));
        var approval = (string)pending["approval_id"]!;
        Assert.Equal("/v1/approvals/" + approval, answer.Header("Location"));
        Assert.Equal("enabled", (string)(await api.Get($"/v1/keys/{id}")).Json["state"]!);
        Assert.Equal(pending.ToJsonString(), (await api.Get("/v1/approvals/" + approval)).Is(HttpStatusCode.OK).Json.ToJsonString());
        Assert.Equal(approval, (string)(await api.Post($"/v1/keys/{id}/schedule-deletion", new { after = "P30D" })).Is(HttpStatusCode.Accepted).Json["approval_id"]!);
        Assert.NotEqual(approval, (string)(await api.Post($"/v1/keys/{id}/schedule-deletion", new { after = "P60D" })).Is(HttpStatusCode.Accepted).Json["approval_id"]!);

        (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.Accepted);
        (await api.Post($"/v1/keys/{id}/disable")).Is(HttpStatusCode.OK);
        (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.Conflict, "key_disabled");
    }

    [Fact]
    public async Task Update_ThatWaits_TellsWhatItSets()
    {
        var id = await api.NewKey(new { approval = _rule });
        var pending = (await api.Patch($"/v1/keys/{id}", """{"description":"d","tags":null,"rotation":{"every":"P90D"},"min_decrypt_version":1}""")).Is(HttpStatusCode.Accepted).Json;
        Assert.Equal("update", (string)pending["operation"]!);
        Assert.Equal(
            """{"sets":["description","tags","rotation","min_decrypt_version"],"description":"d","rotation":{"every":"P90D","after_uses":null},"min_decrypt_version":1}""",
            pending["arguments"]!.ToJsonString());
        pending = (await api.Patch($"/v1/keys/{id}", """{"approval":null}""")).Is(HttpStatusCode.Accepted).Json;
        Assert.Equal("approval", (string)pending["operation"]!);
        Assert.Equal("""{"sets":["approval"]}""", pending["arguments"]!.ToJsonString());
        (await api.Patch($"/v1/keys/{id}", """{"approval":{"operations":["destroy","rotate","update"],"required":2,"approvers":["approver-*"]}}""")).Is(HttpStatusCode.OK);
        Assert.Equal(2, (int)(await api.Get("/v1/approvals/" + pending["approval_id"])).Json["required"]!);
    }

    [Fact]
    public async Task Asker_DoesNotApprove_AndTakesBack()
    {
        var id = await api.NewKey(new { approval = new { operations = (string[])["rotate"], required = 1, approvers = (string[])["*"] } });
        var approval = (string)(await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.Accepted).Json["approval_id"]!;
        (await api.Post($"/v1/approvals/{approval}/approve")).Is(HttpStatusCode.Forbidden, "permission_denied");
        (await api.Post($"/v1/approvals/{approval}/reject")).Is(HttpStatusCode.Forbidden, "permission_denied");
        var cancelled = (await api.Post($"/v1/approvals/{approval}/cancel")).Is(HttpStatusCode.OK).Json;
        Assert.Equal(("cancelled", "admin"), ((string)cancelled["state"]!, (string)cancelled["decided_by"]!));
        (await api.Post($"/v1/approvals/{approval}/cancel")).Is(HttpStatusCode.Conflict, "conflict");
        (await api.Post($"/v1/approvals/{approval}/approve")).Is(HttpStatusCode.Conflict, "conflict");
        Assert.Equal(1, (int)(await api.Get($"/v1/keys/{id}")).Json["primary_version"]!);
    }

    [Fact]
    public async Task List_IsByKeyAndState_InPages()
    {
        var keys = new List<string>();
        for (var i = 0; i < 3; i++) keys.Add(await api.NewKey(new { approval = _rule }));
        keys.Sort(StringComparer.Ordinal);
        var expected = new List<string>();
        foreach (var key in keys)
        {
            foreach (var days in (int[])[1, 2])
            {
                expected.Add((string)(await api.Post($"/v1/keys/{key}/schedule-deletion", new { after = $"P{days}D" })).Json["approval_id"]!);
            }
        }

        Assert.Equal(expected, (await Pages("limit=1")).Where(expected.Contains));
        Assert.Equal(expected, (await Pages("limit=1000&state=pending")).Where(expected.Contains));
        Assert.Equal(expected[2..4], await Pages($"key={keys[1]}&limit=1"));
        (await api.Post($"/v1/approvals/{expected[2]}/cancel")).Is(HttpStatusCode.OK);
        Assert.Equal(expected[3..4], await Pages($"key={keys[1]}&state=pending"));
        Assert.Equal(expected[2..3], await Pages($"key={keys[1]}&state=cancelled"));
        Assert.DoesNotContain(expected[2], await Pages("state=pending&limit=3"));
        Assert.Contains(expected[2], await Pages("state=cancelled&limit=3"));
        await api.Put("/v1/aliases/" + keys[1], new { key_id = keys[1] });
        Assert.Equal(expected[2..4], await Pages($"key=alias:{keys[1]}"));
        Assert.Empty(await Pages($"key={await api.NewKey()}"));
    }

    [Theory]
    [InlineData("state=done", HttpStatusCode.BadRequest, "invalid_parameter")]
    [InlineData("limit=0", HttpStatusCode.BadRequest, "invalid_parameter")]
    [InlineData("cursor=AAAA", HttpStatusCode.BadRequest, "invalid_parameter")]
    [InlineData("states=pending", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("key=-", HttpStatusCode.BadRequest, "invalid_key_id")]
    [InlineData("key=not-there", HttpStatusCode.NotFound, "key_not_found")]
    [InlineData("key=alias:not-there", HttpStatusCode.NotFound, "alias_not_found")]
    public async Task List_OfNonsense_IsRefused(string query, HttpStatusCode status, string code) =>
        (await api.Get("/v1/approvals?" + query)).Is(status, code);

    [Theory]
    [InlineData("nothing")]
    [InlineData("key~0123456789abcdef0123456789abcdef")]
    [InlineData("key~x")]
    public async Task Unknown_IsNotFound(string id)
    {
        (await api.Get("/v1/approvals/" + id)).Is(HttpStatusCode.NotFound, "approval_not_found");
        foreach (var command in (string[])["approve", "reject", "cancel"])
        {
            (await api.Post($"/v1/approvals/{id}/{command}")).Is(HttpStatusCode.NotFound, "approval_not_found");
            (await api.Post($"/v1/approvals/{id}/{command}", new { reason = "x" })).Is(HttpStatusCode.BadRequest, "invalid_request");
        }
    }

    [Fact]
    public async Task Expired_IsToldSo()
    {
        var id = await api.NewKey(new { approval = new { operations = (string[])["rotate"], required = 1, approvers = (string[])["approver"], expires = "PT1S" } });
        var approval = (string)(await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.Accepted).Json["approval_id"]!;
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        JsonNode now;
        while ((string)(now = (await api.Get("/v1/approvals/" + approval)).Is(HttpStatusCode.OK).Json)["state"]! == "pending") await Task.Delay(50, patience.Token);
        Assert.Equal("expired", (string)now["state"]!);
        Assert.Equal((string)now["expires_at"]!, (string)now["decided_at"]!);
    }

    private async Task<List<string>> Pages(string query)
    {
        var ids = new List<string>();
        string? cursor = null;
        do
        {
            var page = (await api.Get($"/v1/approvals?{query}{(cursor is null ? "" : "&cursor=" + cursor)}")).Is(HttpStatusCode.OK).Json;
            ids.AddRange(page["approvals"]!.AsArray().Select(a => (string)a!["approval_id"]!));
            cursor = (string?)page["next_cursor"];
        }
        while (cursor is not null);
        return ids;
    }
}
