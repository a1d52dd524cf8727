using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>What the README and the documents beside it promise, done as printed.</summary>
public sealed partial class ReadmeTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(4);

    internal static readonly string Readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));

    private static readonly string _tour = File.ReadAllText(Path.Combine(Repository.Root, "gateway", "README.md"));
    private static readonly string _verbs = File.ReadAllText(Path.Combine(Repository.Root, "silo", "Verbs", "README.md"));
    private static readonly string _cluster = File.ReadAllText(Path.Combine(Repository.Root, "deploy", "CLUSTER.md"));

    [Fact]
    public async Task FirstSession_WorksAsPrinted()
    {
        using var directory = new TemporaryDirectory();
        File.Copy(Path.Combine(Repository.Root, "LICENSE"), directory.Of("LICENSE"));
        await using var service = await ServiceProcess.Start(directory.Path, ("OKMS_DASHBOARD", null));
        var session = SessionBlock().Match(Readme).Groups["script"].Value;
        Assert.Contains("http://localhost:8080", session, StringComparison.Ordinal);
        var (code, output, errors) = await Bash(
            directory.Path, session.Replace(":8080", string.Create(CultureInfo.InvariantCulture, $":{service.Port}"), StringComparison.Ordinal));
        Assert.True(code == 0, $"{code}\n{output}\n{errors}\n{service}");
        Assert.Empty(errors);
        Assert.Contains("healthy", output, StringComparison.Ordinal);
        Assert.Contains("the same\nencrypted\n", output, StringComparison.Ordinal);
        Assert.Equal(await File.ReadAllBytesAsync(directory.Of("LICENSE")), await File.ReadAllBytesAsync(directory.Of("LICENSE.decrypted")));
        Assert.Equal(2, (await service.Http.Describe("payments.eu.cards"))["primary_version"]!.GetValue<int>());

        var tour = TourBlock().Match(_tour).Groups["script"].Value;
        Assert.Contains("http://localhost:8080", tour, StringComparison.Ordinal);
        (code, output, errors) = await Bash(
            directory.Path, tour.Replace(":8080", string.Create(CultureInfo.InvariantCulture, $":{service.Port}"), StringComparison.Ordinal));
        Assert.True(code == 0, $"{code}\n{output}\n{errors}\n{service}");
        Assert.Empty(errors);
        Assert.Equal(
            [
                "enabled", "[\"tour.customers.1\",\"enabled\",null]", "[\"tour.customers.2\",\"enabled\",null]", "[\"tour.orders\",null,\"key_exists\"]",
                "aGVsbG8=", "\"first\"", "null", "null", "\"invalid_parameter\"", "2", "2",
                "[true,\"keys:rotate\",\"keys:create\"]", "tour.orders", "tour.orders", "sign_verify", "[true,1]", "Verified OK", "24",
                "jws", "{\"sub\": \"shop\", \"aud\": \"billing\"}", "[\"tour.tokens.1\",\"ES256\"]", "pending_deletion", "disabled",
            ],
            output.Split('\n', StringSplitOptions.RemoveEmptyEntries));

        await VerbsSession_PrintsWhatIsPrinted(directory, service);

        var usages = UsagesBlock().Match(_tour).Groups["script"].Value;
        Assert.Contains("http://localhost:8080", usages, StringComparison.Ordinal);
        (code, output, errors) = await Bash(
            directory.Path, usages.Replace(":8080", string.Create(CultureInfo.InvariantCulture, $":{service.Port}"), StringComparison.Ordinal));
        Assert.True(code == 0, $"{code}\n{output}\n{errors}\n{service}");
        Assert.Equal(
            ["mac", "[true,1]", "derive", "2", "true", "key_agreement", "agreed", "encrypt_decrypt", "data_key_pair", "encapsulate", "true"],
            output.Split('\n', StringSplitOptions.RemoveEmptyEntries));

        var rsa = RsaBlock().Match(_tour).Groups["script"].Value;
        Assert.Contains("http://localhost:8080", rsa, StringComparison.Ordinal);
        (code, output, errors) = await Bash(
            directory.Path, rsa.Replace(":8080", string.Create(CultureInfo.InvariantCulture, $":{service.Port}"), StringComparison.Ordinal));
        Assert.True(code == 0, $"{code}\n{output}\n{errors}\n{service}");
        Assert.Equal(["[\"RSAES_OAEP_SHA_256\",\"RSAES_OAEP_SHA_1\"]", "aGVsbG8=", "aGVsbG8="], output.Split('\n', StringSplitOptions.RemoveEmptyEntries));

        var import = ImportBlock().Match(_tour).Groups["script"].Value;
        Assert.Contains("http://localhost:8080", import, StringComparison.Ordinal);
        (code, output, errors) = await Bash(
            directory.Path, import.Replace(":8080", string.Create(CultureInfo.InvariantCulture, $":{service.Port}"), StringComparison.Ordinal));
        Assert.True(code == 0, $"{code}\n{output}\n{errors}\n{service}");
        Assert.Equal(["pending_import", "[\"enabled\",1]", "imported", "exported"], output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>What a first-time user of the command line saw, ciphertexts aside, which differ each time.</summary>
    private static async Task VerbsSession_PrintsWhatIsPrinted(TemporaryDirectory directory, ServiceProcess service)
    {
        var lines = VerbsBlock().Match(_verbs).Groups["session"].Value.TrimEnd('\n').Split('\n');
        var commands = lines.Where(line => line.StartsWith("$ ", StringComparison.Ordinal)).Select(line => line[2..]).ToList();
        Assert.Contains("okms keys rotate first", commands);
        // Keys of the sessions before are in its list.
        var (code, output, errors) = await Bash(directory.Path, string.Create(CultureInfo.InvariantCulture, $$"""
            export OKMS_URL=http://localhost:{{service.Port}}
            okms() { dotnet '{{ServiceProcess.ProgramPath(ServiceProcess.Program)}}' "$@"; }
            exec 2>&1
            set +e
            {{string.Join('\n', commands.Select(command => $"printf '%s\\n' {Quoted("$ " + command)}\n{command.Replace("keys list", "keys list --prefix first", StringComparison.Ordinal)}"))}}
            """));
        Assert.True(code == 0, $"{output}\n{errors}\n{service}");
        Assert.Equal(lines.Select(Masked), output.TrimEnd('\n').Split('\n').Select(Masked));

        static string Quoted(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
        static string Masked(string line) => line.StartsWith("AQEAAAAB", StringComparison.Ordinal) ? "a ciphertext" : line;
    }

    [Fact]
    public async Task Cluster_WorksAsPrinted()
    {
        using var directory = new TemporaryDirectory();
        var database = await Postgres.NewDatabase();
        File.Copy(Path.Combine(Repository.Root, "LICENSE"), directory.Of("LICENSE"));
        var script = ClusterBlock().Match(_cluster).Groups["script"].Value;
        var replaced = new Dictionary<string, string>
        {
            ["postgres://okms:secret@127.0.0.1:5432/okms"] = Postgres.Url(database),
            ["dotnet build -c Release silo\n"] = "",
            ["./deploy/certs.sh"] = Path.Combine(Repository.Root, "deploy", "certs.sh"),
            ["silo/bin/Release/net10.0/"] = AppContext.BaseDirectory,
        };
        foreach (var (printed, here) in replaced)
        {
            Assert.Contains(printed, script, StringComparison.Ordinal);
            script = script.Replace(printed, here, StringComparison.Ordinal);
        }

        var ports = new Dictionary<string, int>();
        script = Port().Replace(script, port => (ports.TryGetValue(port.Value, out var free) ? free : ports[port.Value] = ServiceProcess.FreePort())
            .ToString(CultureInfo.InvariantCulture));
        Assert.Equal(11, ports.Count);
        var (code, output, errors) = await Bash(directory.Path, script);
        var logs = string.Join('\n', Directory.GetFiles(directory.Path, "*.log").Select(File.ReadAllText));
        Assert.True(code == 0, $"{code}\n{output}\n{errors}\n{logs}");
        Assert.Equal(4, output.Split('\n').Count(line => line.StartsWith("the same, by ", StringComparison.Ordinal)));
        await Postgres.DropDatabase(database);
    }

    /// <summary>Runs a script as one who pastes it would, but for the end at the first failure.</summary>
    internal static async Task<(int Code, string Output, string Errors)> Bash(string directory, string script)
    {
        var info = new ProcessStartInfo("bash", ["-euo", "pipefail", "-c", script])
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        ServiceProcess.RemoveSettings(info);
        info.Environment["OKMS_REQUEST_TIMEOUT"] = "PT1M";
        using var bash = Process.Start(info)!;
        var output = bash.StandardOutput.ReadToEndAsync();
        var errors = bash.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(_patience);
        try
        {
            await bash.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            // What it has said until here tells what it waits for.
            bash.Kill(entireProcessTree: true);
            await bash.WaitForExitAsync();
        }

        return (bash.ExitCode, await output, await errors);
    }

    [GeneratedRegex("<!-- cluster -->\n```bash\n(?<script>.*?)```", RegexOptions.Singleline)]
    private static partial Regex ClusterBlock();

    [GeneratedRegex("\\b(808[1-5]|1111[1-3]|3000[1-3])\\b")]
    private static partial Regex Port();

    [GeneratedRegex("<!-- http -->\n```bash\n(?<script>.*?)```", RegexOptions.Singleline)]
    private static partial Regex TourBlock();

    [GeneratedRegex("<!-- verbs -->\n```console\n(?<session>.*?)```", RegexOptions.Singleline)]
    private static partial Regex VerbsBlock();

    [GeneratedRegex("<!-- usages -->\n```bash\n(?<script>.*?)```", RegexOptions.Singleline)]
    private static partial Regex UsagesBlock();

    [GeneratedRegex("<!-- rsa -->\n```bash\n(?<script>.*?)```", RegexOptions.Singleline)]
    private static partial Regex RsaBlock();

    [GeneratedRegex("<!-- import -->\n```bash\n(?<script>.*?)```", RegexOptions.Singleline)]
    private static partial Regex ImportBlock();

    [GeneratedRegex("<!-- session -->\n```bash\n(?<script>.*?)```", RegexOptions.Singleline)]
    private static partial Regex SessionBlock();
}
