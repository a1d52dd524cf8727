using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using OrleansKms.Silo.Configuration;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>What the README promises, done as printed.</summary>
public sealed partial class ReadmeTests
{
    private static readonly string Root = FindRoot();
    internal static readonly string Readme = File.ReadAllText(Path.Combine(Root, "README.md"));

    [Fact]
    public async Task FirstSession_WorksAsPrinted()
    {
        using var directory = new TemporaryDirectory();
        File.Copy(Path.Combine(Root, "LICENSE"), directory.Of("LICENSE"));
        await using var service = await ServiceProcess.Start(directory.Path);
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
    }

    [Fact]
    public void ConfigurationTable_NamesEverySettingAndNoOther()
    {
        var rows = TableRow().Matches(Readme).Select(row => row.Groups["name"].Value).ToList();
        Assert.Equal(Settings.Names.Order(StringComparer.Ordinal), rows.Order(StringComparer.Ordinal));
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
        using var bash = Process.Start(info)!;
        var output = bash.StandardOutput.ReadToEndAsync();
        var errors = bash.StandardError.ReadToEndAsync();
        await bash.WaitForExitAsync();
        return (bash.ExitCode, await output, await errors);
    }

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "OrleansKms.sln")))
        {
            directory = directory.Parent ?? throw new InvalidOperationException("The solution was not found above the tests.");
        }
        return directory.FullName;
    }

    [GeneratedRegex("<!-- session -->\n```bash\n(?<script>.*?)```", RegexOptions.Singleline)]
    private static partial Regex SessionBlock();

    [GeneratedRegex("^\\| `(?<name>PORT|DATABASE_URL|HSM_ADDRESS|LOG_LEVEL|OKMS_[A-Z_]+)` \\|", RegexOptions.Multiline)]
    private static partial Regex TableRow();
}
