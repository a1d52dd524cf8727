using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Npgsql;
using OrleansKms.Gateway.Hosting;
using OrleansKms.Silo.Configuration;
using OrleansKms.Tests.Cluster.Faults;
using OrleansKms.Tests.Cluster.Transport;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>To whom the programs of a cluster say what is for Postgres.</summary>
public sealed class DatabaseConnectionTests : IDisposable
{
    private const string Insecure = "OKMS_INSECURE_DATABASE_CONNECTION";

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("?sslmode=require")]
    public async Task ServerBeyondThisMachine_ThatNeedNotProveWhoItIs_IsNotEvenConnectedTo(string query)
    {
        await using var proxy = new PlainProxy();
        (string, string?)[] settings = [("DATABASE_URL", proxy.Url(Postgres.ConnectionString, query)), ("OKMS_INSECURE_CLUSTER_NETWORK", "true")];
        await using var silo = ServiceProcess.Launch(_directory.Path, port: null, settings);
        await using var gateway = ServiceProcess.LaunchGateway(_directory.Path, port: null, settings);
        var (code, _, errors) = await ServiceProcess.Command(_directory.Path, ["migrate"], settings);

        RefusedInOneLine(await silo.Exited(), Assert.Single(silo.Errors));
        RefusedInOneLine(await gateway.Exited(), Assert.Single(gateway.Errors));
        RefusedInOneLine(code, errors.TrimEnd());
        var client = Assert.Throws<ArgumentException>(() => Host.CreateEmptyApplicationBuilder(null).AddOrleansKmsClient(new()
        {
            Principal = "client",
            InsecureNetwork = true,
            DatabaseUrl = proxy.Url(Postgres.ConnectionString, query),
        }));
        Assert.Contains("InsecureDatabaseConnection=true", client.Message, StringComparison.Ordinal);
        Assert.Equal(0, proxy.Connections);
    }

    [Fact]
    public async Task ProxyThatSaysThereIsNoEncryption_HearsNothing_UnlessThatIsAskedFor()
    {
        var database = await Postgres.NewDatabase();
        await using var proxy = new PlainProxy();
        var refused = await ServiceProcess.Command(
            _directory.Path, ["migrate"], ("DATABASE_URL", proxy.Url(database, "?sslmode=verify-full")), ("OKMS_START_TIMEOUT", "PT0S"));
        Assert.Equal(StartGuard.Refused, refused.Code);
        Assert.Contains("SSL", refused.Errors, StringComparison.Ordinal);
        Assert.NotEqual(0, proxy.Connections);
        Assert.Empty(proxy.Heard);

        // And there was something to hear.
        var insecure = await ServiceProcess.Command(_directory.Path, ["migrate"], ("DATABASE_URL", proxy.Url(database, "")), (Insecure, "true"));
        Assert.True(insecure.Code == 0, insecure.Errors);
        Assert.Contains("CREATE TABLE okms_row", proxy.Heard, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AuthenticatedServer_IsHeldAgainstItsAuthorityAndItsName()
    {
        using var certificates = new Certificates();
        using var others = new Certificates();
        Assert.Equal(0, certificates.Run("server", "postgres", "127.0.0.1").Code);
        await using var server = await PostgresServer.Create();
        await server.Stop();
        await server.StartWithCertificate(certificates.Files("postgres"));

        var address = $"{server.Url}?sslmode=verify-full&sslrootcert=";
        Assert.Equal("TLSv1.3", await TlsVersion(address + certificates.Authority));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => TlsVersion(address + others.Authority));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => TlsVersion(address.Replace("127.0.0.1", "localhost", StringComparison.Ordinal) + certificates.Authority));
    }

    [Fact]
    public void NoMemberOfTheCluster_IsMadeForPostgres()
    {
        using var certificates = new Certificates();
        Assert.Equal(0, certificates.Run("server", "postgres", "db.example").Code);
        using var made = System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadCertificateFromFile(certificates.Files("postgres").CertificateFile);
        Assert.DoesNotContain("okms:", made.Extensions.Single(e => e.Oid!.Value == "2.5.29.17").Format(false), StringComparison.Ordinal);
        Assert.Equal(2, certificates.Run("server", "postgres").Code);
    }

    private static async Task<object?> TlsVersion(string url)
    {
        await using var source = NpgsqlDataSource.Create(Read(url)!);
        await using var command = source.CreateCommand("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
        return await command.ExecuteScalarAsync();
    }

    private static string? Read(string url) => Settings.Read(new ConfigurationBuilder()
        .AddInMemoryCollection([KeyValuePair.Create("DATABASE_URL", (string?)url)]).Build()).Cluster.ConnectionString;

    private static void RefusedInOneLine(int code, string line)
    {
        Assert.Equal(StartGuard.Refused, code);
        Assert.StartsWith("okms: DATABASE_URL needs sslmode=verify-full", line, StringComparison.Ordinal);
        Assert.Contains(Insecure + "=true", line, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', line);
    }
}
