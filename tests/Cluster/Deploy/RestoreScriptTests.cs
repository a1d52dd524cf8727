using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using OrleansKms.Gateway.Hosting;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Deploy;

/// <summary>What happened after a backup is found in the log and done again, by the scripts of the runbook.</summary>
public sealed class RestoreScriptTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task ChangesSinceTheBackup_AreListedAndDoneAgain()
    {
        Directory.CreateDirectory(_directory.Of("live"));
        Directory.CreateDirectory(_directory.Of("restored"));
        await using (var before = await ServiceProcess.Start(_directory.Of("live")))
        {
            foreach (var id in (string[])["rotated", "disabled", "back", "deleted", "least", "versions", "aliased", "epoch"]) await before.Http.Create(id);
            await before.Http.Rotate("versions");
            await before.Http.Change("back", "disable");
            Assert.Equal(0, await before.Stop());
            await File.WriteAllLinesAsync(_directory.Of("before.log"), before.Output);
        }
        await Copy("live/okms-data", "restored/okms-data");
        var since = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture);
        // Changes are written at any level, whatever the configuration asks for.
        await File.WriteAllTextAsync(_directory.Of("live/appsettings.json"), """
            { "Logging": { "LogLevel": { "Default": "None" }, "Lines": { "LogLevel": { "Default": "None", "OrleansKms": "None" } } } }
            """);
        await using (var after = await ServiceProcess.Start(_directory.Of("live"), ("LOG_LEVEL", "error")))
        {
            await Change(after.Http);
            Assert.Equal(0, await after.Stop());
            await File.WriteAllLinesAsync(_directory.Of("after.log"), [.. after.Output, "a line that is not JSON", "17"]);
            // A log that was saved twice lists nothing twice.
            await File.WriteAllLinesAsync(_directory.Of("after-again.log"), after.Output);
        }
        var versionOfEpoch = await RotateAfterARestore();

        // By the trail, and where that is off by the logs: the same facts.
        var script = $"jq -Rnr --arg since {since} -f '{Manifests.Path("deploy/restore/changes-since.jq")}'";
        var (logged, inLogs) = await Bash($"cat *.log | {script}");
        var (listed, list) = await Bash($"find live -name '*.jsonl' -exec cat {{}} + | {script} | tee changes.tsv");
        Assert.True(listed == 0, list);
        Assert.True(logged == 0, inLogs);
        Assert.Equal(Facts(inLogs), Facts(list));
        Assert.Equal(
            [
                "changed\tback", "delete-key\tdeleted", "destroy-version\tversions\t1", "disable-key\tdisabled", "disable-version\tversions\t2",
                "enable\tback", "lost-key\tnew", $"lost-version\tepoch\t{versionOfEpoch}", "lost-version\tleast\t2", "lost-version\trotated\t2", "min-decrypt\tleast\t2", "point-alias\tmain\taliased",
            ],
            Facts(list));

        await using var restored = await ServiceProcess.Start(_directory.Of("restored"));
        var (code, report) = await Bash(
            $"KMS_URL=http://127.0.0.1:{restored.Port} KMS_TOKEN_FILE=restored/okms-data/admin.token '{Manifests.Path("deploy/restore/do-again.sh")}' <changes.tsv");
        // Two lines are left to a person: what was enabled, and what was only described anew.
        Assert.True(code == 1, report);
        Assert.Equal(["LOOK  changed back 1", "LOOK  enable back 1"], Marked(report, "LOOK"));
        Assert.Equal(4, Marked(report, "LOST").Count);
        await IsAsBefore(restored.Http);

        // Again: nothing fails, and nothing is other than it was.
        (code, report) = await Bash(
            $"KMS_URL=http://127.0.0.1:{restored.Port} KMS_TOKEN_FILE=restored/okms-data/admin.token '{Manifests.Path("deploy/restore/do-again.sh")}' <changes.tsv");
        Assert.Equal((1, 2), (code, Marked(report, "LOOK").Count));
        await IsAsBefore(restored.Http);
    }

    [Fact]
    public async Task KeysMadeSince_AreLostOrDestroyed_AndThoseRestoredSinceAreDoneAgain()
    {
        (string Action, string Key)[] changes =
        [
            ("create", "destroyed"), ("schedule-deletion", "destroyed"), ("destroy", "destroyed"), ("create", "lost"), ("schedule-deletion", "lost"),
            ("cancel-deletion", "lost"), ("disable", "lost"), ("disable", "back"), ("restore", "back"), ("schedule-deletion", "back"),
        ];
        await File.WriteAllLinesAsync(_directory.Of("records.jsonl"), changes.Select((change, i) => new JsonObject
        {
            ["time"] = $"2026-11-28T01:00:{i:00}Z",
            ["outcome"] = "ok",
            ["action"] = "keys:" + change.Action,
            ["key_id"] = change.Key,
            ["key_version"] = 1,
            ["principal"] = "p",
            ["request_id"] = "r",
        }.ToJsonString()));
        var (code, list) = await Bash($"jq -Rnr --arg since 2026-11-28T00:00:00Z -f '{Manifests.Path("deploy/restore/changes-since.jq")}' <records.jsonl");
        Assert.Equal(0, code);
        Assert.Equal(["delete-key\tback", "destroyed-key\tdestroyed\t1", "disable-key\tback", "lost-key\tlost", "restored-key\tback\t1"], Facts(list));
    }

    [Theory]
    [InlineData("restore-epoch")]
    [InlineData("raise-feature-level")]
    public async Task Command_WhereNoDatabaseIs_MakesNone(string command)
    {
        var (code, output, errors) = await ServiceProcess.Command(_directory.Path, [command]);
        Assert.Equal((StartGuard.Refused, ""), (code, output));
        Assert.Contains("where no database is", errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_directory.Of("okms-data")));
    }

    public void Dispose() => _directory.Dispose();

    /// <summary>An earlier restore of the same database is a rotation, too, that a later one does not know.</summary>
    /// <returns>The version that the key takes before its next encryption.</returns>
    private async Task<int> RotateAfterARestore()
    {
        var (code, _, errors) = await ServiceProcess.Command(_directory.Of("live"), ["restore-epoch"]);
        Assert.True(code == 0, errors);
        await using var service = await ServiceProcess.Start(_directory.Of("live"));
        var (version, _) = await service.Http.Encrypt("epoch", [1]);
        Assert.Equal(0, await service.Stop());
        Assert.Contains(service.Output, line => line.Contains("rotate-after-restore", StringComparison.Ordinal));
        await File.WriteAllLinesAsync(_directory.Of("epoch.log"), service.Output);
        return version;
    }

    private static async Task Change(HttpClient http)
    {
        await http.Create("new");
        await http.Rotate("rotated");
        await http.Rotate("least");
        await Patch(http, "least", new() { ["min_decrypt_version"] = 2 });
        await Patch(http, "back", new() { ["description"] = "described" });
        await http.Change("disabled", "disable");
        await http.Change("disabled", "enable");
        await http.Change("disabled", "disable");
        await http.Change("back", "enable");
        await http.DestroyVersion("versions", 1);
        await http.Change("versions", "versions/2/disable");
        await http.Post("/v1/keys/deleted/schedule-deletion");
        using var alias = await http.PutAsync("/v1/aliases/main", new StringContent("{\"key_id\":\"aliased\"}", null, "application/json"));
        alias.EnsureSuccessStatusCode();
    }

    private static async Task IsAsBefore(HttpClient http)
    {
        Assert.Equal("disabled", (await http.Describe("disabled")).String("state"));
        Assert.Equal("disabled", (await http.Describe("back")).String("state"));
        Assert.Equal("pending_deletion", (await http.Describe("deleted")).String("state"));
        Assert.Equal(2, (await http.Describe("least"))["min_decrypt_version"]!.GetValue<int>());
        var versions = await http.Describe("versions");
        Assert.Equal(["pending_destruction", "disabled", "enabled"], versions["versions"]!.AsArray().Select(version => version.String("state")));
        Assert.Equal(3, versions["primary_version"]!.GetValue<int>());
        Assert.Equal("aliased", JsonNode.Parse(await http.GetStringAsync("/v1/aliases/main")).String("key_id"));
    }

    private static async Task Patch(HttpClient http, string id, JsonObject body)
    {
        using var answer = await http.PatchAsync($"/v1/keys/{id}", new StringContent(body.ToJsonString(), null, "application/json"));
        answer.EnsureSuccessStatusCode();
    }

    private static IEnumerable<string> Facts(string list) =>
        list.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Named).Order(StringComparer.Ordinal);

    /// <summary>What, key, and the detail where it says something.</summary>
    private static string Named(string line)
    {
        var parts = line.Split('\t');
        Assert.Equal(6, parts.Length);
        return string.Join('\t', parts[0] is "changed" or "enable" or "disable-key" or "delete-key" or "lost-key" ? parts[..2] : parts[..3]);
    }

    private static List<string> Marked(string report, string mark) =>
        [.. report.Split('\n').Where(line => line.StartsWith(mark, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    private async Task Copy(string from, string to)
    {
        var (code, output) = await Bash($"cp -a {from} {to}");
        Assert.True(code == 0, output);
    }

    private async Task<(int Code, string Output)> Bash(string script)
    {
        var info = new ProcessStartInfo("bash", ["-euo", "pipefail", "-c", script])
        {
            WorkingDirectory = _directory.Path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var bash = Process.Start(info)!;
        var errors = bash.StandardError.ReadToEndAsync();
        var output = await bash.StandardOutput.ReadToEndAsync();
        await bash.WaitForExitAsync();
        Assert.Equal("", await errors);
        return (bash.ExitCode, output);
    }
}
