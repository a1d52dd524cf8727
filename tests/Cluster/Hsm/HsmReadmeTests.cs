using System.Globalization;
using System.Text.RegularExpressions;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>What deploy/HSM.md says, done as printed.</summary>
public sealed partial class HsmReadmeTests
{
    private static readonly string _hsm = File.ReadAllText(Path.Combine(Repository.Root, "deploy", "HSM.md"));

    [Fact]
    public async Task TokenFromTheReadme_ServesAcrossARestart()
    {
        using var directory = new TemporaryDirectory();
        var script = Block().Match(_hsm).Groups["script"].Value;
        var (code, output, errors) = await ReadmeTests.Bash(
            directory.Path, script + "printf '%s\\n' \"$SOFTHSM2_CONF\" \"$HSM_ADDRESS\"\n");
        Assert.True(code == 0, errors);
        var exported = output.TrimEnd().Split('\n')[^2..];
        (string, string?)[] environment = [("SOFTHSM2_CONF", exported[0]), ("HSM_ADDRESS", exported[1])];

        File.Copy(Path.Combine(Repository.Root, "LICENSE"), directory.Of("LICENSE"));

        await using (var first = await ServiceProcess.Start(directory.Path, [.. environment, ("OKMS_HSM_CREATE_ROOT", "true")]))
        {
            await Run(first, KeysBlock());
            var key = await first.Http.Describe("in-hsm");
            Assert.Equal(("hsm", 2), ((string)key["protection"]!, (int)key["primary_version"]!));
            await first.Stop();
        }

        await using var second = await ServiceProcess.Start(directory.Path, environment);
        Assert.Equal("in-software: the same\nin-hsm: the same\n", await Run(second, AgainBlock()));
    }

    [Fact]
    public async Task ChangeFromTheFileToThatToken_WorksAsPrinted()
    {
        using var directory = new TemporaryDirectory();
        byte[] ciphertext;
        await using (var first = await ServiceProcess.Start(directory.Path))
        {
            await first.Http.Create("kept");
            (_, ciphertext) = await first.Http.Encrypt("kept", [1]);
            await first.Stop();
        }

        const string Printed = "dotnet run -c Release --project silo -- ";
        var change = RootBlock().Match(_hsm).Groups["script"].Value;
        Assert.Contains(Printed, change, StringComparison.Ordinal);
        var (code, output, errors) = await ReadmeTests.Bash(
            directory.Path, Block().Match(_hsm).Groups["script"].Value
            + change.Replace(Printed, $"dotnet {Path.Combine(AppContext.BaseDirectory, ServiceProcess.Program)} ", StringComparison.Ordinal)
            + "printf '%s\\n' \"$SOFTHSM2_CONF\" \"$HSM_ADDRESS\"\n");
        Assert.True(code == 0, output + errors);
        Assert.Contains("is destroyed", output, StringComparison.Ordinal);
        Assert.False(File.Exists(directory.Of("okms-data/root.key")));
        var exported = output.TrimEnd().Split('\n')[^2..];

        await using var second = await ServiceProcess.Start(directory.Path, ("SOFTHSM2_CONF", exported[0]), ("HSM_ADDRESS", exported[1]));
        Assert.Equal([1], Assert.Single(await second.Http.DecryptAll("kept", [ciphertext])).Plaintext);
    }

    private static async Task<string> Run(ServiceProcess service, Regex block)
    {
        const string Kms = "kms() {";
        var session = ReadmeTests.Readme[ReadmeTests.Readme.IndexOf(Kms, StringComparison.Ordinal)..];
        var script = session[..(session.IndexOf('\n', StringComparison.Ordinal) + 1)] + block.Match(_hsm).Groups["script"].Value;
        Assert.Contains(":8080", script, StringComparison.Ordinal);
        var (code, output, errors) = await ReadmeTests.Bash(
            service.WorkingDirectory, script.Replace(":8080", string.Create(CultureInfo.InvariantCulture, $":{service.Port}"), StringComparison.Ordinal));
        Assert.True(code == 0 && errors.Length == 0, $"{output}\n{errors}\n{service}");
        return output;
    }

    [GeneratedRegex("<!-- hsm-keys -->\n```bash\n(?<script>.*?)```", RegexOptions.Singleline)]
    private static partial Regex KeysBlock();

    [GeneratedRegex("<!-- hsm-again -->\n```bash\n(?<script>.*?)```", RegexOptions.Singleline)]
    private static partial Regex AgainBlock();

    [GeneratedRegex("<!-- root -->\n```bash\n(?<script>.*?)```", RegexOptions.Singleline)]
    private static partial Regex RootBlock();

    [GeneratedRegex("<!-- hsm -->\n```bash\n(?<script>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();
}
