using System.Net;
using System.Security.Cryptography;
using System.Text;
using OrleansKms.Gateway.Hosting;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>The commands of the program, and the first administrator of a cluster.</summary>
public sealed class AdministratorTests
{
    private const string Create = "create-administrator";

    [Fact]
    public async Task Created_IsToldOnce_AloneOnStandardOutput_AndKeptOnlyAsASealedHash()
    {
        await using var cluster = ClusterProcesses.Empty(await Postgres.NewDatabase());

        var (code, output, errors) = await cluster.Command(Create);

        Assert.Equal(0, code);
        Assert.Equal("administrator-create", await cluster.Scalar("SELECT action FROM okms_audit_event WHERE action LIKE 'administrator%'"));
        var token = output.TrimEnd('\n');
        Assert.Matches("^[A-Za-z0-9_-]{43}$", token);
        Assert.DoesNotContain(token, errors, StringComparison.Ordinal);
        var payload = (byte[])(await cluster.Scalar("SELECT payload FROM okms_row WHERE row_name = 'access'"))!;
        var hash = SHA256.HashData(Encoding.ASCII.GetBytes(token));
        Assert.True(payload.AsSpan().IndexOf(hash) < 0);
        Assert.True(payload.AsSpan().IndexOf(Encoding.ASCII.GetBytes(Convert.ToBase64String(hash))) < 0);
    }

    [Fact]
    public async Task Again_IsRefused_UnlessReplaced_AndThenOnlyTheNewTokenSignsIn()
    {
        await using var cluster = await ClusterProcesses.Prepare();
        var silo = await cluster.StartSilo(ClusterProcesses.WithGateway);
        await silo.Http.Create("mine");

        var (code, output, errors) = await cluster.Command(Create);
        Assert.Equal((StartGuard.Refused, ""), (code, output));
        Assert.Contains("--replace", errors, StringComparison.Ordinal);

        var replaced = (byte[])(await cluster.Scalar("SELECT payload FROM okms_row WHERE row_name = 'access'"))!;
        (code, output, _) = await cluster.Command(Create, "--replace");
        Assert.Equal(0, code);
        await ClusterProcesses.Until(async () => await StatusOf(silo) == HttpStatusCode.Unauthorized ? true : throw new HttpRequestException());
        var former = silo.Http.DefaultRequestHeaders.Authorization!.Parameter!;
        silo.SignIn(output.Trim());
        Assert.Equal(HttpStatusCode.OK, await StatusOf(silo));

        // The sealed row of the token that was replaced, put back behind the process by somebody who writes the database.
        await cluster.Scalar($"UPDATE okms_row SET payload = '\\x{Convert.ToHexString(replaced)}' WHERE row_name = 'access'");
        await silo.UntilSaid("it was rolled back, and is ignored");
        Assert.Equal(HttpStatusCode.OK, await StatusOf(silo));
        silo.SignIn(former);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusOf(silo));
    }

    [Fact]
    public async Task AtOnce_OneIsMade()
    {
        await using var cluster = ClusterProcesses.Empty(await Postgres.NewDatabase());

        var results = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => cluster.Command(Create)));

        Assert.Single(results, r => r.Code == 0 && r.Output.Length > 0);
        Assert.Equal(2, results.Count(r => r.Code == StartGuard.Refused && r.Output.Length == 0));
        Assert.Equal(1L, await cluster.Scalar("SELECT count(*) FROM okms_kek"));
    }

    [Fact]
    public async Task TokenFile_IsTheOwnersOnly_AndNothingIsPrinted()
    {
        await using var cluster = ClusterProcesses.Empty(await Postgres.NewDatabase());
        using var directory = new TemporaryDirectory();
        var file = directory.Of("token");

        var (code, output, _) = await cluster.Command(Create, "--token-file", file);

        Assert.Equal((0, ""), (code, output));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        var silo = await cluster.StartSilo(("OKMS_GATEWAY", "true"));
        silo.SignIn((await File.ReadAllTextAsync(file)).Trim());
        await ClusterProcesses.Until(async () => await StatusOf(silo) == HttpStatusCode.OK ? true : throw new HttpRequestException());
    }

    [Fact]
    public async Task TokenFileThatIsThere_IsLeftAlone_AndNoAdministratorIsMade()
    {
        await using var cluster = ClusterProcesses.Empty(await Postgres.NewDatabase());
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(directory.Of("token"), "other");

        var (code, _, errors) = await cluster.Command(Create, "--token-file", directory.Of("token"));

        Assert.Equal(StartGuard.Refused, code);
        Assert.Contains(directory.Of("token"), errors, StringComparison.Ordinal);
        Assert.Equal("other", await File.ReadAllTextAsync(directory.Of("token")));
        Assert.Equal(0L, await cluster.Scalar("SELECT count(*) FROM okms_row"));
    }

    [Fact]
    public async Task AnotherRootKey_IsRefused()
    {
        await using var cluster = await ClusterProcesses.Prepare();
        File.Delete(Path.Combine(cluster.DataDirectory, "root.key"));

        var (code, output, errors) = await cluster.Command(Create, "--replace");

        Assert.Equal((StartGuard.Refused, ""), (code, output));
        Assert.Contains("root.key", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Create)]
    [InlineData("migrate")]
    public async Task WithoutACluster_IsRefused(string command)
    {
        using var directory = new TemporaryDirectory();
        var (code, _, errors) = await ServiceProcess.Command(directory.Path, [command]);
        Assert.Equal(StartGuard.Refused, code);
        Assert.Contains("DATABASE_URL", errors, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(directory.Path));
    }

    private static async Task<HttpStatusCode> StatusOf(ServiceProcess silo)
    {
        using var answer = await silo.Http.GetAsync("/v1/keys");
        return answer.StatusCode;
    }
}
