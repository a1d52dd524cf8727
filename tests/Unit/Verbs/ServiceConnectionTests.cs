using OrleansKms.Silo.Verbs;

namespace OrleansKms.Tests.Unit.Verbs;

/// <summary>Which service is called and as whom, and that a token goes nowhere else.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class ServiceConnectionTests : IDisposable
{
    private const string Token = "okms_0123456789abcdef0123456789abcdef";
    private const string Me = """{"principal":"me","credential":"token:1","policies":["key-user"]}""";
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("okms-connection-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("--token-file", "option", "variable", "direct", "local", "option")]
    [InlineData(null, null, "variable", "direct", "local", "variable")]
    [InlineData(null, null, null, "direct", "local", "direct")]
    [InlineData(null, null, null, null, "local", "local")]
    [InlineData(null, null, null, null, null, "")]
    public async Task Token_IsTheFirstThatIsThere(string? name, string? option, string? variable, string? direct, string? local, string sent)
    {
        using var service = new StubService(StubService.Json(200, Me));
        if (local is not null)
        {
            Directory.CreateDirectory(Path.Combine(_folder.FullName, "okms-data"));
            Write("okms-data/admin.token", Token + local + "\n");
        }

        if (option is not null) Write("option", $" {Token}{option}\n");
        if (variable is not null) Write("variable", Token + variable);
        var shell = Shell(("OKMS_URL", service.Url), ("OKMS_TOKEN_FILE", variable), ("OKMS_TOKEN", direct is null ? null : Token + direct));
        var result = (await shell.Run(["whoami", .. name is null ? Array.Empty<string>() : [name, option!]])).Is(0);
        Assert.Equal("principal   me\ncredential  token:1\npolicies    key-user\n", result.Output);
        Assert.Equal(sent.Length == 0 ? "" : $"Bearer {Token}{sent}", Assert.Single(service.Requests).Authorization);
        Assert.DoesNotContain(Token, result.Output + result.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://kms.example")]
    [InlineData("http://192.0.2.1:8080")]
    [InlineData("http://localhost.example")]
    public async Task PlainHttp_ToAnotherMachine_IsRefused_BeforeAnythingIsSent(string url)
    {
        var line = (await Shell(("OKMS_URL", url), ("OKMS_TOKEN", Token)).Run("whoami")).Fails(ExitCode.Usage);
        Assert.Contains("--insecure-plain-http", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PlainHttp_ToAnotherMachine_IsDone_IfItMustBe()
    {
        // Nobody listens there, and it was tried.
        var line = (await Shell(("OKMS_URL", "http://0.0.0.0:1")).Run("whoami", "--insecure-plain-http", "--timeout", "5")).Fails(ExitCode.Unreachable);
        Assert.StartsWith("okms: unreachable: http://0.0.0.0:1 cannot be reached", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("localhost:8080", "not one of http or https")]
    [InlineData("ftp://localhost", "not one of http or https")]
    [InlineData("http://me:secret@localhost", "holds a user or password")]
    [InlineData("http://localhost?x=1", "query")]
    [InlineData("/tmp", "not one of http or https")]
    public async Task Address_ThatIsNone_IsAWrongCall_AndNotRepeated(string url, string reason)
    {
        var line = (await Shell(("OKMS_URL", url)).Run("whoami")).Fails(ExitCode.Usage);
        Assert.Contains(reason, line, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Address_MayHaveAPath()
    {
        Assert.Equal("https://example.com/kms/", ServiceConnection.ParseAddress("https://example.com/kms").AbsoluteUri);
        Assert.Equal("https://example.com/kms/", ServiceConnection.ParseAddress("https://example.com/kms/").AbsoluteUri);
        Assert.Equal("http://localhost:8080/", ServiceConnection.ParseAddress(ServiceConnection.DefaultAddress).AbsoluteUri);
    }

    [Fact]
    public async Task TokenOfThisMachine_IsNotSentToAnother()
    {
        Directory.CreateDirectory(Path.Combine(_folder.FullName, "okms-data"));
        Write("okms-data/admin.token", "not one token");
        Assert.Contains("something else than one token", (await Shell(("OKMS_URL", "http://127.0.0.1:1")).Run("whoami")).Fails(ExitCode.Usage), StringComparison.Ordinal);
        Assert.Contains("cannot be reached", (await Shell(("OKMS_URL", "https://0.0.0.0:1")).Run("whoami")).Fails(ExitCode.Unreachable), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("two words")]
    [InlineData("")]
    [InlineData("one\nother")]
    public async Task TokenFile_WithSomethingElse_IsRefused_AndNotShown(string content)
    {
        Write("t", content);
        var line = (await Shell().Run("whoami", "--token-file", "t")).Fails(ExitCode.Usage);
        Assert.Equal("okms: usage: --token-file holds something else than one token.", line);
    }

    [Fact]
    public async Task TokenFile_ThatOthersRead_IsRefused()
    {
        Write("t", Token);
        File.SetUnixFileMode(Path.Combine(_folder.FullName, "t"), UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Assert.Contains("Others may read", (await Shell().Run("whoami", "--token-file", "t")).Fails(ExitCode.Usage), StringComparison.Ordinal);
        Assert.Contains("does not exist", (await Shell(("OKMS_TOKEN_FILE", "none")).Run("whoami")).Fails(ExitCode.Usage), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_OfCertificates_ThatHoldNone_AreRefused()
    {
        Write("f", "nothing");
        Assert.Contains("no certificates as PEM", (await Shell().Run("whoami", "--ca-file", "f")).Fails(ExitCode.Usage), StringComparison.Ordinal);
        Assert.Contains("belong together", (await Shell(("OKMS_CLIENT_KEY_FILE", "f")).Run("whoami")).Fails(ExitCode.Usage), StringComparison.Ordinal);
        Assert.Contains("not a pair", (await Shell(("OKMS_CLIENT_KEY_FILE", "f"), ("OKMS_CLIENT_CERTIFICATE_FILE", "f")).Run("whoami")).Fails(ExitCode.Usage), StringComparison.Ordinal);
    }

    private VerbShell Shell(params (string, string?)[] variables) => new(_folder.FullName, variables);

    private void Write(string name, string content)
    {
        var path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, content);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
