using System.Diagnostics;
using System.Globalization;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>A token of SoftHSM in a directory of its own, which stands in for an HSM.</summary>
internal sealed class SoftHsm : IDisposable
{
    public const string Pin = "271828-user-pin";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("okms-hsm-");

    /// <param name="label">The label of its first token.</param>
    /// <param name="misbehaves">Whether its module can be made to misbehave.</param>
    public SoftHsm(string label = "okms", bool misbehaves = false)
    {
        Label = label;
        Misbehaving = misbehaves ? new MisbehavingModule(_directory.FullName) : null;
        Directory.CreateDirectory(Tokens);
        Configure();
        File.WriteAllText(PinFile, Pin + "\n");
        File.SetUnixFileMode(PinFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        AddToken(label);
    }

    public static string Module { get; } = new[]
    {
        "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so",
    }.FirstOrDefault(File.Exists) ?? "SoftHSM is not installed: run the tests by deploy/test.sh, which installs it.";

    /// <summary>The module of its addresses, where that can be made to misbehave.</summary>
    public MisbehavingModule? Misbehaving { get; }

    public string Label { get; }

    public string Tokens => Path.Combine(_directory.FullName, "tokens");

    public string Configuration => Path.Combine(_directory.FullName, "softhsm2.conf");

    public string PinFile => Path.Combine(_directory.FullName, "pin");

    public string Address => AddressOf(Label);

    /// <summary>The files of the keys on the token, besides the one of the token itself.</summary>
    public IReadOnlyList<string> KeyFiles =>
        [.. Directory.GetFiles(Tokens, "*.object", SearchOption.AllDirectories).Where(f => Path.GetFileName(f) != "token.object")];

    /// <summary>
    /// The environment of a service that uses the token and waits for a slow machine; a later value of the same name stands for an
    /// earlier one.
    /// </summary>
    public (string Name, string? Value)[] Environment(params (string Name, string? Value)[] more) =>
        [.. new (string Name, string? Value)[] { ("SOFTHSM2_CONF", Configuration), ("HSM_ADDRESS", Address), ("OKMS_HSM_TIMEOUT", "PT30S") }
            .Concat(more).GroupBy(e => e.Name).Select(e => e.Last())];

    /// <summary>The address of one of the tokens.</summary>
    public string AddressOf(string label) => string.Create(
        CultureInfo.InvariantCulture, $"pkcs11:token={label};object=okms-root?module-path={Misbehaving?.Path ?? Module}&pin-source=file:{PinFile}");

    /// <summary>Makes one more token, with the same PIN.</summary>
    public void AddToken(string label) => Run("--init-token", "--free", "--label", label, "--so-pin", "314159-officer", "--pin", Pin);

    /// <summary>Takes mechanisms away, as softhsm2.conf names them; none for all. SoftHSM 2.6.1 lets the first of them be.</summary>
    public void Configure(string mechanisms = "ALL") => File.WriteAllText(
        Configuration, $"directories.tokendir = {Tokens}\nobjectstore.backend = file\nlog.level = ERROR\nslots.mechanisms = {mechanisms}\n");

    /// <summary>Pulls the token out.</summary>
    public void Remove() => Directory.Move(Tokens, Tokens + ".away");

    /// <summary>Puts it back.</summary>
    public void PutBack() => Directory.Move(Tokens + ".away", Tokens);

    public void Dispose() => _directory.Delete(recursive: true);

    private void Run(params string[] arguments)
    {
        var info = new ProcessStartInfo("softhsm2-util", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        info.Environment["SOFTHSM2_CONF"] = Configuration;
        using var process = Process.Start(info)!;
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors.Result);
    }
}
