using System.Buffers.Text;
using System.Text;

namespace OrleansKms.Tests.Unit.Policies;

/// <summary>Lists show what the caller's policies allow and nothing else, on pages that are full, and in cursors as well.</summary>
public sealed class VisibleListTests : IAsyncLifetime
{
    private readonly PolicyGateway _gateway = new();

    public async Task InitializeAsync()
    {
        await _gateway.InitializeAsync();
        foreach (var space in (string[])["a", "b", "c", "c-", "d"])
        {
            for (var i = 0; i < 300; i++)
            {
                var key = $"{space}.k{i:d3}";
                _gateway.Keys[key] = new(i % 3 == 0 ? "AES_128_GCM" : "AES_256_GCM", KeyProtection.Software);
                _gateway.Aliases["n" + key] = key;
            }
        }
    }

    public Task DisposeAsync() => _gateway.DisposeAsync();

    /// <summary>Statements, the prefix that is asked for, and about how many reads the whole list may cost beside its pages.</summary>
    public static TheoryData<string, PolicyStatement[], string, int> Cases => new()
    {
        { "everything", [Allow("*")], "", 2 },
        { "one space", [Allow("b.*")], "", 3 },
        { "two spaces, one key, what is not there", [Allow("d.*", "a.k00*", "c.k007", "zz*", "zz.top")], "", 8 },
        { "within another", [Allow("c*", "c.k1*", "c.k123")], "", 3 },
        { "narrower than the prefix", [Allow("c.k1*", "d*")], "c.k", 3 },
        { "wider than the prefix", [Allow("c*")], "c.k12", 3 },
        { "a space denied", [Allow("*"), Deny("b.*", "c.k2*")], "", 6 },
        { "what is denied is most", [Allow("*"), Deny("a*", "b*", "c*", "d.k0*", "d.k1*")], "", 10 },
        { "single keys denied", [Allow("a.*"), Deny("a.k000", "a.k001", "a.k299")], "", 4 },
        { "by a fact of the key", [Allow("b.*") with { When = new() { Specs = ["AES_128_GCM"] } }], "", 16 },
        { "denied by a fact of the key", [Allow("b.*"), Deny("*") with { When = new() { Specs = ["AES_128_GCM"] } }], "", 16 },
        { "nothing of what is there", [Allow("e.*")], "", 3 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Keys_AreThoseThatThePoliciesAllow(string name, PolicyStatement[] statements, string prefix, int reads)
    {
        foreach (var limit in (int[])[7, 100, 1000])
        {
            var token = _gateway.SignIn(statements);
            var visible = _gateway.Keys.Where(key => key.Key.StartsWith(prefix, StringComparison.Ordinal) && IsAllowed(statements, KmsOperation.ListKeys, key.Key)).Select(key => key.Key).ToList();
            var before = _gateway.Calls.Count;
            var (listed, pages) = await ListAll(token, "keys", "id", prefix, limit, id => visible.Contains(id));
            Assert.Equal((name, string.Join(' ', visible)), (name, string.Join(' ', listed)));
            Assert.InRange(_gateway.Calls.Skip(before).Count(call => call.StartsWith("ListKeys", StringComparison.Ordinal)), 0, pages * 2 + reads + visible.Count / limit * reads);
        }
    }

    [Fact]
    public async Task Aliases_AreThoseWhoseKeysThePoliciesAllow()
    {
        PolicyStatement[] statements = [Allow("b.*", "d.k1*"), Deny("b.k00*")];
        var visible = _gateway.Aliases.Where(alias => IsAllowed(statements, KmsOperation.ListAliases, alias.Value)).Select(alias => alias.Key).ToList();
        var (listed, _) = await ListAll(_gateway.SignIn(statements), "aliases", "name", "", 100, visible.Contains);
        Assert.Equal(visible, listed);
    }

    [Fact]
    public async Task Lists_AreRefused_WhereNothingIsAllowed()
    {
        var token = _gateway.SignIn(new(PolicyEffect.Allow, ["use"], ["*"]), new PolicyStatement(PolicyEffect.Allow, ["manage"], ["a*"]), new(PolicyEffect.Deny, ["keys:list"], ["*"]));
        Assert.Equal(403, (await _gateway.Send(token, "GET", "/v1/keys")).Status);
        Assert.Equal(200, (await _gateway.Send(token, "GET", "/v1/aliases?limit=1")).Status);
    }

    private async Task<(List<string> Listed, int Pages)> ListAll(string token, string what, string name, string prefix, int limit, Func<string, bool> isVisible)
    {
        var (listed, pages) = (new List<string>(), 0);
        for (string? cursor = ""; cursor is not null; pages++)
        {
            var (status, json) = await _gateway.Send(token, "GET", $"/v1/{what}?limit={limit}&prefix={prefix}" + (cursor.Length == 0 ? "" : "&cursor=" + cursor));
            Assert.Equal(200, status);
            var page = json![what]!.AsArray().Select(one => (string)one![name]!).ToList();
            listed.AddRange(page);
            cursor = (string?)json["next_cursor"];
            if (cursor is null) break;

            // A page that is not the last is full, and its cursor is of a name that was shown.
            Assert.Equal(limit, page.Count);
            Assert.True(isVisible(Encoding.ASCII.GetString(Base64Url.DecodeFromChars(cursor)[8..])));
        }

        return (listed, pages + 1);
    }

    private bool IsAllowed(PolicyStatement[] statements, KmsOperation operation, string key) => CompiledPolicies.Of([new("p", statements)]).Decide(
        operation, key, new() { Now = DateTimeOffset.UtcNow, HasMessage = true, Key = _gateway.Keys[key] }) == AccessDecision.Allowed;

    private static PolicyStatement Allow(params string[] keys) => new(PolicyEffect.Allow, ["manage"], keys);

    private static PolicyStatement Deny(params string[] keys) => new(PolicyEffect.Deny, ["manage"], keys);
}
