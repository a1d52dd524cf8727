using System.Text;
using OrleansKms.Silo.Verbs;
using OrleansKms.Silo.Verbs.Files;

namespace OrleansKms.Tests.Unit.Verbs;

/// <summary>How verbs end when their input or output is not what it should be: exit code 2 says that nothing was changed.</summary>
public sealed class VerbEndTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("okms-ends-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Verb_KeepsItsSecretsToItself_BeforeAnythingElse()
    {
        var shell = new VerbShell(_folder.FullName, ("OKMS_URL", "nonsense"));
        (await shell.Run("keys", "list")).Fails(ExitCode.Usage);
        Assert.True(shell.IsHardened);
    }

    [Theory]
    [InlineData("keys list", """{"keys":[{"id":"a","state":"enabled","spec":"s","usage":"u"}]}""")]
    [InlineData("keys create", """{"id":"k","spec":"s","usage":"u","state":"enabled"}""")]
    [InlineData("random", """{"bytes":"AQID"}""")]
    public async Task OutputThatCannotBeWritten_IsDoneInPart(string arguments, string answer)
    {
        using var service = new StubService(StubService.Json(200, answer));
        var shell = new VerbShell(_folder.FullName, ("OKMS_URL", service.Url)) { OutputFails = true };
        Assert.StartsWith("okms: io: ", (await shell.Run(arguments.Split(' '))).Fails(ExitCode.Part), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TokenThatCouldNotBeWritten_IsNamed_SoThatItCanBeRevoked(bool toFile)
    {
        using var service = new StubService(StubService.Json(201, """{"id":"t1","token":"okms_secret","expires_at":"2027-01-01T00:00:00Z"}"""));
        var shell = new VerbShell(_folder.FullName, ("OKMS_URL", service.Url)) { OutputFails = !toFile };
        // A name that leaves no room for the unfinished file's.
        var result = await shell.Run(["token", "create", "anna", .. toFile ? ["--out", new string('n', 240)] : Array.Empty<string>()]);
        var line = result.Fails(ExitCode.Part);
        Assert.StartsWith("okms: io: The token t1 was created, but could not be written: ", line, StringComparison.Ordinal);
        Assert.EndsWith(" Revoke it with okms token revoke anna t1, and create another.", line, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"2\"")]
    [InlineData("1.5")]
    [InlineData("true")]
    [InlineData("99999999999")]
    public async Task VersionInTheJsonOfEncapsulate_ThatIsNone_IsUsage(string version)
    {
        var line = await Refuses(["decapsulate", "k"], $$"""{"ciphertext":"AQID","key_version":{{version}}}""");
        Assert.Contains("no version", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"statements":[],"name":"other"}""", "that of other")]
    [InlineData("""{"statements":[],"name":7}""", "that of 7")]
    [InlineData("""{"statements":[],"name":null}""", "that of nobody")]
    [InlineData("""{"statements":[],"descripton":"x"}""", "'descripton'")]
    [InlineData("""{"statements":[],"key_id":"p"}""", "'key_id'")]
    [InlineData("""{"statements":[],"name":"p","when":"x"}""", "'when'")]
    [InlineData("""{"statements":null}""", "no 'statements'")]
    [InlineData("""{"name":"p"}""", "no 'statements'")]
    [InlineData("7", "no 'statements'")]
    [InlineData("""{"statements":[],"statements":[]}""", "not JSON")]
    public async Task PolicyWithMoreThanIsStored_OrOfAnother_IsNotSent(string policy, string why)
    {
        Assert.Contains(why, await Refuses(["policy", "put", "p"], policy), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PolicyOfAnotherKey_IsNotSent()
    {
        Assert.Contains("that of other", await Refuses(["keys", "policy", "set", "k"], """{"statements":[],"key_id":"other"}"""), StringComparison.Ordinal);
        Assert.Contains("'name'", await Refuses(["keys", "policy", "set", "k"], """{"statements":[],"name":"k"}"""), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"name":"p","statements":[]}""")]
    [InlineData("""{"statements":[]}""")]
    [InlineData("[]")]
    public async Task Policy_AsItIsShown_IsSent(string policy)
    {
        using var service = new StubService(StubService.Json(200, """{"name":"p","statements":[]}"""));
        (await new VerbShell(_folder.FullName, ("OKMS_URL", service.Url)).Run(["policy", "put", "p"], Encoding.UTF8.GetBytes(policy))).Is(ExitCode.Done);
        Assert.Equal("""{"statements":[]}""", Assert.Single(service.Requests).Body);
    }

    [Theory]
    [InlineData("decrypt-file", "f.okms", "--out", "-")]
    [InlineData("decrypt-file", "-")]
    public async Task DecryptedFile_IsNotWrittenToATerminal_AndItsKeyIsNotAskedFor(params string[] arguments)
    {
        var file = FileVectors.Make(FileCipher.Aes256Gcm, "", "\e[2J"u8.ToArray(), FileVectors.Backups);
        File.WriteAllBytes(Path.Combine(_folder.FullName, "f.okms"), file);
        using var service = new StubService(StubService.Problem(403, "permission_denied"));
        var shell = new VerbShell(_folder.FullName, ("OKMS_URL", service.Url)) { IsTerminal = true };
        Assert.Contains("terminal", (await shell.Run(arguments, file)).Fails(ExitCode.Usage), StringComparison.Ordinal);
        Assert.Empty(service.Requests);
    }

    private async Task<string> Refuses(string[] arguments, string input)
    {
        using var service = new StubService(StubService.Problem(403, "permission_denied"));
        var result = await new VerbShell(_folder.FullName, ("OKMS_URL", service.Url)).Run(arguments, Encoding.UTF8.GetBytes(input));
        Assert.Empty(service.Requests);
        return result.Fails(ExitCode.Usage);
    }
}
