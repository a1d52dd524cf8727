using System.Text.Json;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Tests.Unit.Keys;

/// <summary>The content of rows is stored for ever: these texts must always be readable, and what is written must not drift.</summary>
public sealed class KeyRowJsonTests
{
    private const string GoldenKey =
        """{"spec":"AES_256_GCM","usage":"EncryptDecrypt","state":"Enabled","protection":"Software","origin":"Generated","exportable":false,"description":"d","tags":{"team":"pay"},"created_at":"2026-01-02T03:04:05+00:00","primary_version":2,"min_decrypt_version":1,"versions":[{"version":1,"state":"Destroyed","created_at":"2026-01-02T03:04:05+00:00"},{"version":2,"state":"Enabled","created_at":"2026-01-03T03:04:05+00:00"}],"rotation":{"every":"90.00:00:00","after_uses":1000},"next_rotation_at":"2026-04-03T03:04:05+00:00","erase_pending":[1],"revision":3}""";

    private const string GoldenUsage =
        """{"versions":[{"version":1,"ceiling":1024,"decrypted":2,"verified":0,"bytes":77,"last_used_at":"2026-01-02T03:04:05+00:00"}],"revision":9}""";

    [Fact]
    public void Key_Golden_ReadsAndWritesTheSameText()
    {
        var row = JsonSerializer.Deserialize(GoldenKey, KeyRowJson.Default.KeyRow)!;
        Assert.Equal(KeyVersionState.Destroyed, row.Find(1)!.State);
        Assert.Equal(TimeSpan.FromDays(90), row.Rotation!.Every);
        Assert.Equal(3, row.Revision);
        Assert.Equal(GoldenKey, JsonSerializer.Serialize(row, KeyRowJson.Default.KeyRow));
    }

    [Fact]
    public void VersionThatIsToBeDestroyed_Golden_ReadsAndWritesTheSameText()
    {
        var golden = GoldenKey.Replace(
            "\"state\":\"Destroyed\",\"created_at\":\"2026-01-02T03:04:05+00:00\"",
            "\"state\":\"PendingDestruction\",\"created_at\":\"2026-01-02T03:04:05+00:00\",\"destroy_at\":\"2026-02-01T00:00:00+00:00\",\"destroy_epoch\":1",
            StringComparison.Ordinal);
        var row = JsonSerializer.Deserialize(golden, KeyRowJson.Default.KeyRow)!;
        Assert.Equal((KeyVersionState.PendingDestruction, 1), (row.Find(1)!.State, row.Find(1)!.DestroyEpoch));
        Assert.Equal(golden, JsonSerializer.Serialize(row, KeyRowJson.Default.KeyRow));
    }

    [Fact]
    public void VersionWithAPublicKey_Golden_ReadsAndWritesTheSameText()
    {
        var golden = GoldenKey.Replace(
            "\"state\":\"Enabled\",\"created_at\":\"2026-01-03T03:04:05+00:00\"",
            "\"state\":\"Enabled\",\"created_at\":\"2026-01-03T03:04:05+00:00\",\"public_key\":\"AQID\"",
            StringComparison.Ordinal);
        var row = JsonSerializer.Deserialize(golden, KeyRowJson.Default.KeyRow)!;
        Assert.Equal([1, 2, 3], row.Find(2)!.PublicKey);
        Assert.Equal(golden, JsonSerializer.Serialize(row, KeyRowJson.Default.KeyRow));
    }

    [Fact]
    public void ImportedVersion_Golden_ReadsAndWritesTheSameText()
    {
        var golden = GoldenKey.Replace(
            "\"state\":\"Enabled\",\"created_at\":\"2026-01-03T03:04:05+00:00\"",
            "\"state\":\"Enabled\",\"created_at\":\"2026-01-03T03:04:05+00:00\",\"public_key\":\"AQID\",\"is_public_only\":true,\"import\":\"0123456789abcdef0123456789abcdef\",\"fingerprint\":\"BAUG\"",
            StringComparison.Ordinal);
        var row = JsonSerializer.Deserialize(golden, KeyRowJson.Default.KeyRow)!;
        Assert.Equal((true, "0123456789abcdef0123456789abcdef"), (row.Find(2)!.IsPublicOnly, row.Find(2)!.Import));
        Assert.Equal([4, 5, 6], row.Find(2)!.Fingerprint);
        Assert.Equal(golden, JsonSerializer.Serialize(row, KeyRowJson.Default.KeyRow));
    }

    [Fact]
    public void Imports_Golden_ReadsAndWritesTheSameText()
    {
        const string Golden = """{"offers":[{"id":"0123456789abcdef0123456789abcdef","principal":"alice","expires_at":"2026-01-03T03:04:05+00:00","epoch":1,"private_key":"AQID"}],"revision":2}""";
        var row = JsonSerializer.Deserialize(Golden, KeyRowJson.Default.KeyImportsRow)!;
        Assert.Equal(("alice", 1), (row.Offers[0].Principal, row.Offers[0].Epoch));
        Assert.False(row.IsTombstone);
        Assert.True((row with { Offers = [] }).IsTombstone);
        Assert.Equal(Golden, JsonSerializer.Serialize(row, KeyRowJson.Default.KeyImportsRow));
    }

    [Fact]
    public void DualControl_Golden_ReadsAndWritesTheSameText()
    {
        var golden = GoldenKey.Replace(
            "\"revision\":3",
            """
            "approval":{"operations":["destroy"],"required":2,"approvers":["alice","ops-*"],"expires":"7.00:00:00"},"approvals":[{"number":"0123456789abcdef0123456789abcdef","guard":"update","request":{"operation":"keys:update","update":{"caller":{"principal":"-","source":"-","request_id":"-"},"description":{"is_set":true,"value":"d"},"tags":{"is_set":false},"rotation":{"is_set":true,"value":{"every":"90.00:00:00"}},"min_decrypt_version":2,"limits":{"is_set":false},"approval":{"is_set":true}}},"requested_by":{"principal":"dave","source":"local","request_id":"r","credential":"token:1"},"requested_at":"2026-01-02T03:04:05+00:00","expires_at":"2026-01-09T03:04:05+00:00","epoch":1,"state":"Pending","approvals":[{"principal":"alice","credential":"jwt:i","at":"2026-01-03T03:04:05+00:00"}]},{"number":"1123456789abcdef0123456789abcdef","guard":"destroy","request":{"operation":"keys:schedule-destruction","version":1,"after":"7.00:00:00"},"requested_by":{"principal":"dave","source":"local","request_id":"r"},"requested_at":"2026-01-02T03:04:05+00:00","expires_at":"2026-01-09T03:04:05+00:00","state":"Failed","approvals":[],"required":2,"decided_at":"2026-01-03T03:04:05+00:00","decided_by":"bob","used_at":"2026-01-04T03:04:05+00:00","error":"key_disabled","detail":"d"}],"revision":3
            """,
            StringComparison.Ordinal);
        var row = JsonSerializer.Deserialize(golden, KeyRowJson.Default.KeyRow)!;
        Assert.Equal(2, row.Approval!.Required);
        Assert.Equal((true, null), (row.Approvals![0].Request.Update!.Approval.IsSet, row.Approvals[0].Request.Update!.Approval.Value));
        Assert.Equal(golden, JsonSerializer.Serialize(row, KeyRowJson.Default.KeyRow));
    }

    [Fact]
    public void Usage_Golden_ReadsAndWritesTheSameText()
    {
        var row = JsonSerializer.Deserialize(GoldenUsage, KeyRowJson.Default.KeyUsageRow)!;
        Assert.Equal(1024, Assert.Single(row.Versions).Ceiling);
        Assert.Equal(GoldenUsage, JsonSerializer.Serialize(row, KeyRowJson.Default.KeyUsageRow));
    }

    [Fact]
    public void Version_Golden_ReadsAndWritesTheSameText()
    {
        const string golden = """{"version":7,"revision":1}""";
        var row = JsonSerializer.Deserialize(golden, KeyRowJson.Default.KeyVersionRow)!;
        Assert.Equal(7, row.Version);
        Assert.Equal(golden, JsonSerializer.Serialize(row, KeyRowJson.Default.KeyVersionRow));
    }

    [Fact]
    public void Key_FieldOfANewerProgram_IsPassedOver() =>
        Assert.Equal(2, JsonSerializer.Deserialize(GoldenKey.Replace("\"spec\"", "\"new_field\":{\"x\":[1]},\"spec\"", StringComparison.Ordinal),
            KeyRowJson.Default.KeyRow)!.PrimaryVersion);
}
