using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using OrleansKms.Tests.Cluster.Faults;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Deploy;

/// <summary>From a dump back to a cluster, on a Postgres that knows nothing yet, by the runbook's commands as printed.</summary>
public sealed partial class RestoreTests : IDisposable
{
    private static readonly byte[] _plaintext = [1, 2, 3];
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task DumpInAFreshPostgres_ServesWhatItHolds_AndUsesNoVersionTwice()
    {
        File.CreateSymbolicLink(_directory.Of("deploy"), Manifests.Path("deploy"));
        await using var lost = await PostgresServer.Create();
        await using var before = Cluster(lost);
        await Bash(lost, before, $"pg createdb okms && {Grant} && silo migrate && {Grant} && silo create-administrator --token-file admin.token");
        var oldToken = await Token();
        var one = await Start(before, lost);
        var two = await Start(before, lost);
        await before.UntilActive(2);
        await one.Http.Create("kept");
        await one.Http.Create("disabled");
        var (_, kept) = await two.Http.Encrypt("kept", _plaintext);
        for (var i = 0; i < 10; i++) await two.Http.Encrypt("kept", _plaintext);

        // Times in file names have no fractions.
        await Task.Delay(1100);
        await Bash(lost, before, Block("Backing up"));
        await one.Http.Rotate("kept");
        await two.Http.Rotate("kept");
        var (lostVersion, gone) = await one.Http.Encrypt("kept", _plaintext);
        await two.Http.Change("disabled", "disable");
        await one.Http.Create("new");
        await Log("silo-1", one);
        await Log("silo-2", two);
        await File.WriteAllTextAsync(_directory.Of("silo-3.log"), "");
        await lost.Stop();

        await using var fresh = await PostgresServer.Create();
        await using var after = Cluster(fresh);
        CopyRootKey(before, after);
        var restoring = Block("Restoring").Replace("deploy/compose/audit/silo-*", Path.Combine(before.DataDirectory, "audit"), StringComparison.Ordinal);
        await Bash(fresh, after, Part(restoring, "", "# 6. "));
        Assert.NotEqual(oldToken, await Token());
        one = await Start(after, fresh);
        two = await Start(after, fresh);
        await after.UntilActive(2);
        var report = await Bash(
            fresh, after, string.Create(CultureInfo.InvariantCulture, $"export KMS_URL=http://127.0.0.1:{one.Port}\n{Part(restoring, "# 7. ", "# 9. ")}"));

        Assert.Contains("done  disable-key disabled", report, StringComparison.Ordinal);
        Assert.Equal(["LOST  lost-key new", "LOST  lost-version kept 2", "LOST  lost-version kept 3"],
            report.Split('\n').Where(line => line.StartsWith("LOST", StringComparison.Ordinal)).Select(line => line.TrimEnd(' ', '1')).Order(StringComparer.Ordinal));
        await OldTokenIsRefused(one, oldToken);
        Assert.Equal("disabled", (await two.Http.Describe("disabled")).String("state"));
        using var missing = await two.Http.GetAsync("/v1/keys/new");
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);

        // What the dump holds decrypts, what was made since does not, and no new version takes a number that was used.
        Assert.Equal(_plaintext, (await two.Http.DecryptAll("kept", [kept])).Single().Plaintext);
        Assert.Equal("invalid_ciphertext", (await one.Http.DecryptAll("kept", [gone])).Single().Error);
        var (version, ciphertext) = await one.Http.Encrypt("kept", _plaintext);
        Assert.True(version > lostVersion + 1, $"version {version} after {lostVersion}");
        Assert.Equal(_plaintext, (await two.Http.DecryptAll("kept", [ciphertext])).Single().Plaintext);
        var uses = (await two.Http.Describe("kept"))["versions"]!.AsArray().Select(v => v!["uses"]!.GetValue<long>()).ToList();
        Assert.True(uses[0] >= 11 && uses[^1] >= 1, string.Join(' ', uses));
    }

    public void Dispose() => _directory.Dispose();

    private static string Grant => "pg psql -q -v ON_ERROR_STOP=1 -d okms <deploy/sql/roles.sql";

    private static ClusterProcesses Cluster(PostgresServer server) => ClusterProcesses.Empty(server.ConnectionTo("okms", "okms_owner"));

    /// <summary>Starts a silo in the role that the runbook gives it.</summary>
    private async Task<ServiceProcess> Start(ClusterProcesses cluster, PostgresServer server)
    {
        var silo = await cluster.StartSilo(
            ClusterProcesses.WithGateway, ("DATABASE_URL", Postgres.Url(server.ConnectionTo("okms", "okms_silo"))));
        silo.SignIn(await Token());
        await ClusterProcesses.Until(() => silo.Http.Send(HttpMethod.Get, "/v1/keys?limit=1"));
        return silo;
    }

    private async Task<string> Token() => (await File.ReadAllTextAsync(_directory.Of("admin.token"))).Trim();

    private async Task Log(string name, ServiceProcess silo)
    {
        Assert.Equal(0, await silo.Stop());
        await File.WriteAllLinesAsync(_directory.Of(name + ".log"), silo.Output);
    }

    private static void CopyRootKey(ClusterProcesses from, ClusterProcesses to)
    {
        Directory.CreateDirectory(to.DataDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.Copy(Path.Combine(from.DataDirectory, "root.key"), Path.Combine(to.DataDirectory, "root.key"));
    }

    private static async Task OldTokenIsRefused(ServiceProcess silo, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/keys");
        request.Headers.Authorization = new("Bearer", token);
        using var answer = await silo.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    /// <summary>The first commands of one of the runbook's procedures, fitted to this test's files and to a server that is new.</summary>
    private string Block(string heading)
    {
        var text = Manifests.Text("deploy/RUNBOOK.md");
        var block = Commands().Match(text, text.IndexOf($"## {heading}\n", StringComparison.Ordinal)).Groups["script"].Value;
        var dump = Directory.GetFiles(_directory.Path, "*.dump").Select(file => Path.GetFileName(file)).SingleOrDefault();
        return dump is null ? block : block
            .Replace("okms-2026-11-27T01:40:00Z.dump", dump, StringComparison.Ordinal)
            .Replace("since=2026-11-27T01:35:00Z", "since=" + dump[5..^5], StringComparison.Ordinal)
            .Replace("pg psql -d postgres -c 'ALTER DATABASE okms RENAME TO okms_lost'\n", "", StringComparison.Ordinal);
    }

    private static string Part(string script, string from, string to) => string.Concat(
        script.AsSpan(0, script.IndexOf("\n\n", StringComparison.Ordinal)),
        "\n",
        script.AsSpan()[script.IndexOf(from, StringComparison.Ordinal)..script.IndexOf(to, StringComparison.Ordinal)]);

    /// <summary>Runs commands with what the runbook takes as given: pg, silo and, in the place of a container engine, the logs.</summary>
    private async Task<string> Bash(PostgresServer server, ClusterProcesses cluster, string script)
    {
        var settings = string.Join('\n', cluster.Settings.Select(setting => $"export {setting.Key}='{setting.Value}'"));
        var (code, output, errors) = await ReadmeTests.Bash(_directory.Path, string.Create(CultureInfo.InvariantCulture, $$"""
            {{settings}}
            export PGHOST=127.0.0.1 PGPORT={{server.Port}} PGUSER=okms KMS_TOKEN_FILE=admin.token
            pg() { "$@"; }
            silo() { dotnet '{{ServiceProcess.ProgramPath(ServiceProcess.Program)}}' "$@"; }
            docker() { if [ "$2" = logs ]; then cat "${!#}.log"; fi; }
            {{script}}
            """));
        Assert.True(code == 0, $"{code}\n{output}\n{errors}");
        return output;
    }

    [GeneratedRegex("```bash\n(?<script>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Commands();
}
