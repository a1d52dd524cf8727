using System.Net;
using System.Net.Sockets;
using OrleansKms.Gateway.Hosting;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>Starts that must not happen: one line that names what is wrong, exit code 2, no stack trace.</summary>
public sealed class StartTests
{
    [Theory]
    [InlineData("PORT", "80800")]
    [InlineData("LOG_LEVEL", "loud")]
    [InlineData("DATABASE_URL", "mysql://localhost/keys")]
    [InlineData("HSM_ADDRESS", "pkcs11:token=okms;object=okms-root")]
    [InlineData("OKMS_REQUEST_TIMEOUT", "5")]
    [InlineData("OKMS_RATELIMIT", "5")]
    [InlineData("OKMS_BIND_ADDRESS", "192.0.2.1")]
    [InlineData("OKMS_DATA_DIR", "/dev/null/okms")]
    [InlineData("DOTNET_DbgEnableMiniDump", "1")]
    public async Task WrongSetting_IsRefusedInOneLine(string name, string value)
    {
        using var directory = new TemporaryDirectory();
        await using var service = ServiceProcess.Launch(directory.Path, port: null, (name, value));
        await Refused(service, name);
    }

    [Fact]
    public async Task WrongSettingInAppsettings_IsRefusedInOneLine()
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(directory.Of("appsettings.json"), """{ "OKMS_MAX_PLAINTEXT_BYTES": "2000000" }""");
        await using var service = ServiceProcess.Launch(directory.Path);
        await Refused(service, "OKMS_MAX_PLAINTEXT_BYTES");
    }

    [Theory]
    [InlineData("""{ "LOG_LEVEL": """)]
    [InlineData("[]")]
    [InlineData("""{ "LOG_LEVEL": "info", "log_level": "warn" }""")]
    public async Task AppsettingsThatIsNoJson_IsRefusedInOneLine(string content)
    {
        using var directory = new TemporaryDirectory();
        var file = directory.Of("appsettings.json");
        await File.WriteAllTextAsync(file, content);
        await using (var service = ServiceProcess.Launch(directory.Path)) await Refused(service, file);
        var (code, output, errors) = await ServiceProcess.Command(directory.Path, ["healthcheck"]);
        Assert.Equal((StartGuard.Refused, ""), (code, errors));
        Assert.Contains(file, Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("htp://localhost:0", "htp://localhost:0")]
    [InlineData("nothing", "nothing")]
    [InlineData("http://192.0.2.1:8080", "Cannot assign requested address")]
    [InlineData("https://127.0.0.1:0", "certificate")]
    [InlineData("https://127.0.0.1:0", "missing.pfx", "missing.pfx")]
    public async Task EndpointThatCannotBeServed_IsRefusedInOneLine(string url, string named, string? certificate = null)
    {
        using var directory = new TemporaryDirectory();
        await using var service = ServiceProcess.Launch(
            directory.Path,
            port: null,
            ("Kestrel__Endpoints__Main__Url", url),
            ("Kestrel__Endpoints__Main__Certificate__Path", certificate is null ? null : directory.Of(certificate)));
        // The web server itself logs the exception too, to standard output.
        Assert.Equal(StartGuard.Refused, await service.Exited());
        var line = Assert.Single(service.Errors);
        Assert.StartsWith("okms: Kestrel:Endpoints ", line, StringComparison.Ordinal);
        Assert.Contains(named, line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PlatformsTrustInForwardedAddresses_IsRefusedInOneLine()
    {
        using var directory = new TemporaryDirectory();
        await using var service = ServiceProcess.Launch(directory.Path, port: null, ("ASPNETCORE_FORWARDEDHEADERS_ENABLED", "true"));
        await Refused(service, "ASPNETCORE_FORWARDEDHEADERS_ENABLED");
    }

    [Fact]
    public async Task PortInUse_IsRefusedInOneLine()
    {
        using var directory = new TemporaryDirectory();
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        await using var service = ServiceProcess.Launch(directory.Path, ((IPEndPoint)other.LocalEndpoint).Port);
        await Refused(service, "PORT");
    }

    [Fact]
    public async Task DatabaseThatDoesNotAnswer_IsRefusedInOneLine()
    {
        using var directory = new TemporaryDirectory();
        var url = $"postgres://okms:s3cret@127.0.0.1:{ServiceProcess.FreePort()}/okms";
        await using var service = ServiceProcess.Launch(
            directory.Path, port: null, ("DATABASE_URL", url), ("OKMS_INSECURE_CLUSTER_NETWORK", "true"), ("OKMS_START_TIMEOUT", "PT1S"));
        await Refused(service, "Postgres cannot be reached");
        Assert.DoesNotContain("s3cret", service.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SecondProcessOnOneDataDirectory_IsRefused_AndTheFirstGoesOn()
    {
        using var directory = new TemporaryDirectory();
        await using var first = await ServiceProcess.Start(directory.Path);
        await first.Http.Create("mine");
        await using var second = ServiceProcess.Launch(directory.Path);
        await Refused(second, "okms-data");
        await first.Http.Encrypt("mine", [1]);
    }

    [Fact]
    public async Task ForeignRootKey_IsRefused_AndTheRightOneStillOpens()
    {
        using var directory = new TemporaryDirectory();
        using var foreign = new TemporaryDirectory();
        await using (var service = await ServiceProcess.Start(directory.Path))
        {
            await service.Http.Create("kept");
            await service.Stop();
        }
        await using (var other = await ServiceProcess.Start(foreign.Path)) await other.Stop();
        var root = directory.Of("okms-data/root.key");
        var right = await File.ReadAllBytesAsync(root);
        File.Copy(foreign.Of("okms-data/root.key"), root, overwrite: true);
        await using (var refused = ServiceProcess.Launch(directory.Path)) await Refused(refused, "root");

        await File.WriteAllBytesAsync(root, right);
        await using var again = await ServiceProcess.Start(directory.Path);
        await again.Http.Encrypt("kept", [1]);
    }

    [Fact]
    public async Task MissingRootKey_IsRefused_AndNoNewOneIsMade()
    {
        using var directory = new TemporaryDirectory();
        await using (var service = await ServiceProcess.Start(directory.Path)) await service.Stop();
        File.Delete(directory.Of("okms-data/root.key"));
        await using var refused = ServiceProcess.Launch(directory.Path);
        await Refused(refused, "root");
        Assert.False(File.Exists(directory.Of("okms-data/root.key")));
    }

    [Fact]
    public async Task TokenFileWithoutTokenOrOpenToOthers_IsRefused()
    {
        using var directory = new TemporaryDirectory();
        await using (var service = await ServiceProcess.Start(directory.Path)) await service.Stop();
        var file = directory.Of("okms-data/admin.token");
        var token = await File.ReadAllTextAsync(file);
        foreach (var content in (string[])["short", "", "two words that are long enough to be one token"])
        {
            await File.WriteAllTextAsync(file, content);
            await using var refused = ServiceProcess.Launch(directory.Path);
            await Refused(refused, "admin.token");
        }

        await File.WriteAllTextAsync(file, token);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        await using var open = ServiceProcess.Launch(directory.Path);
        await Refused(open, "admin.token");
    }

    private static async Task Refused(ServiceProcess service, string named)
    {
        Assert.Equal(StartGuard.Refused, await service.Exited());
        var line = Assert.Single(service.Errors);
        Assert.StartsWith("okms: ", line, StringComparison.Ordinal);
        Assert.Contains(named, line, StringComparison.Ordinal);
        Assert.DoesNotContain(service.Output, o => o.Contains("   at ", StringComparison.Ordinal) || o.Contains("Exception", StringComparison.Ordinal));
    }
}
