using System.Diagnostics;
using OrleansKms.Silo.Verbs;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Api.Verbs;

/// <summary>Verbs as processes, in real pipes.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class VerbProcessTests(DefaultApi api)
{
    [Fact]
    public async Task Verb_FindsTheTokenOfItsService_AndIsBinarySafe()
    {
        var key = await api.NewKey();
        var script = "head -c 5000 /dev/urandom > p && okms encrypt $KEY < p > c && okms decrypt < c | cmp - p && okms encrypt $KEY @p --binary | okms decrypt | cmp - p && echo same";
        var (code, output, errors) = await Shell(script, key);
        Assert.Equal((0, "same\n", ""), (code, output, errors));
    }

    [Fact]
    public async Task Pipe_WhoseReaderHasGone_EndsAListQuietly_AndATokenMayComeFromOne()
    {
        for (var i = 0; i < 3; i++) await api.NewKey();
        var script = "okms keys list --ids --token-file <(cat okms-data/admin.token) | head -c 1 > /dev/null; echo ${PIPESTATUS[0]}; OKMS_TOKEN=x okms keys list > /dev/null; echo $?";
        var (code, output, errors) = await Shell(script, "");
        Assert.Equal((0, $"0\n{ExitCode.Permission}\n"), (code, output));
        Assert.StartsWith("okms: unauthenticated: ", Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    private async Task<(int Code, string Output, string Errors)> Shell(string script, string key)
    {
        var start = new ProcessStartInfo("bash", ["-c", $"okms() {{ dotnet \"$OKMS_PROGRAM\" \"$@\"; }}\n{script}"])
        {
            WorkingDirectory = api.Service.WorkingDirectory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        ServiceProcess.RemoveSettings(start);
        start.Environment["OKMS_PROGRAM"] = ServiceProcess.ProgramPath(ServiceProcess.Program);
        start.Environment["OKMS_URL"] = api.Http.BaseAddress!.AbsoluteUri;
        start.Environment["KEY"] = key;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output, await errors);
    }
}
