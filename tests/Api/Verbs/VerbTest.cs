using System.Diagnostics;
using System.Text;
using OrleansKms.Silo.Verbs;
using OrleansKms.Tests.Cluster.Processes;
using OrleansKms.Tests.Unit.Verbs;

namespace OrleansKms.Tests.Api.Verbs;

/// <summary>Verbs against the shared service, each run in this process: with the administrator's token, unless another is given.</summary>
[Collection(DefaultApiCollection.Name)]
public abstract class VerbTest : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("okms-verbs-");

    /// <summary>Tests against a service.</summary>
    protected VerbTest(DefaultApi api)
    {
        Api = api;
        Secret("admin", api.Token);
    }

    /// <summary>The service.</summary>
    protected DefaultApi Api { get; }

    public void Dispose()
    {
        _folder.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>A shell in a folder of its own.</summary>
    private protected VerbShell Shell(string tokenFile = "admin", bool isTerminal = false, string? typed = null) =>
        new(_folder.FullName, ("OKMS_URL", Api.Http.BaseAddress!.AbsoluteUri), ("OKMS_TOKEN_FILE", tokenFile)) { IsTerminal = isTerminal, Typed = typed };

    /// <summary>Runs a verb, whose arguments have no spaces, and which must succeed.</summary>
    private protected async Task<VerbResult> Okms(string arguments, byte[]? input = null) => (await Shell().Run(arguments.Split(' '), input ?? [])).Is(ExitCode.Done);

    /// <summary>Runs a verb that must fail.</summary>
    /// <returns>Its one line.</returns>
    private protected async Task<string> Fails(int code, string arguments, byte[]? input = null) => (await Shell().Run(arguments.Split(' '), input ?? [])).Fails(code);

    /// <summary>A new key.</summary>
    private protected async Task<string> NewKey(string options = "")
    {
        var id = Tests.Api.Api.NewId();
        await Okms($"keys create {id} {options}".TrimEnd());
        return id;
    }

    /// <summary>A principal whose token is in a file.</summary>
    /// <returns>Principal and file.</returns>
    private protected async Task<string> SignUp(string policy)
    {
        var name = "v-" + Guid.NewGuid().ToString("N");
        await Okms($"principal create {name} --policy {policy}");
        await Okms($"token create {name} --out {name}");
        return name;
    }

    /// <summary>Starts a verb as a process of its own, which can be killed.</summary>
    private protected Process StartProcess(string url, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [ServiceProcess.ProgramPath(ServiceProcess.Program), .. arguments])
        {
            WorkingDirectory = _folder.FullName,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        ServiceProcess.RemoveSettings(start);
        (start.Environment["OKMS_URL"], start.Environment["OKMS_TOKEN_FILE"]) = (url, "admin");
        return Process.Start(start)!;
    }

    private protected string PathOf(string name) => Path.Combine(_folder.FullName, name);

    private protected byte[] Read(string name) => File.ReadAllBytes(PathOf(name));

    private protected void Secret(string name, string content) => Secret(name, Encoding.UTF8.GetBytes(content));

    private protected void Secret(string name, byte[] content)
    {
        File.WriteAllBytes(PathOf(name), content);
        File.SetUnixFileMode(PathOf(name), UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
