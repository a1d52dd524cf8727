using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Npgsql;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Silo.Configuration;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>The reading of settings, without a process.</summary>
public sealed class SettingsTests
{
    [Fact]
    public void Nothing_IsAllInOneOnLoopback()
    {
        var settings = Read();
        Assert.True(settings.IsAllInOne);
        Assert.Equal(8080, settings.Http.Port);
        Assert.Equal(BindAddress.Localhost, settings.Http.BindAddress);
        Assert.Equal(Path.Combine(Directory.GetCurrentDirectory(), "okms-data"), settings.DataDirectory);
        Assert.Equal(LogLevel.Information, settings.Log.Level);
        Assert.Equal(TimeSpan.FromSeconds(5), settings.Http.RequestTimeout);
        Assert.Equal(TimeSpan.FromSeconds(30), settings.Http.ShutdownTimeout);
        Assert.Equal(65536, settings.Http.MaxPlaintextBytes);
        Assert.Null(settings.Http.RateLimit);
        Assert.True(settings.Dashboard);
        Assert.True(settings.Gateway);
    }

    [Theory]
    [InlineData("PORT", "0")]
    [InlineData("PORT", "65536")]
    [InlineData("PORT", "http")]
    [InlineData("PORT", "")]
    [InlineData("PORT", "-1")]
    [InlineData("PORT", "8080.0")]
    [InlineData("DATABASE_URL", "")]
    [InlineData("DATABASE_URL_FILE", "")]
    [InlineData("DATABASE_URL_FILE", "/nowhere/database-url")]
    [InlineData("OKMS_ROOT_KEY_FILE", "/nowhere/root.key")]
    [InlineData("DATABASE_URL", "mysql://u:p@h/db")]
    [InlineData("DATABASE_URL", "postgres://u:p@h")]
    [InlineData("DATABASE_URL", "postgres://u:p@h/")]
    [InlineData("DATABASE_URL", "postgres://h/db")]
    [InlineData("DATABASE_URL", "postgres://u:p@h/db?sslmode=maybe")]
    [InlineData("DATABASE_URL", "postgres://u:p@h/db?host=elsewhere")]
    [InlineData("DATABASE_URL", "Host=h;Username=u")]
    [InlineData("DATABASE_URL", "postgres://u:p@h/db")]
    [InlineData("DATABASE_URL", "postgres://u:p@h/db?sslmode=require")]
    [InlineData("DATABASE_URL", "postgres://u:p@h/db?sslmode=verify-ca&sslrootcert=/ca.pem")]
    [InlineData("DATABASE_URL", "postgres://u:p@127.0.0.1.example/db")]
    [InlineData("DATABASE_URL", "postgres://u:p@localhost.example/db")]
    [InlineData("DATABASE_URL", "postgres://u:p@localhost./db")]
    [InlineData("DATABASE_URL", "postgres://u:p@0.0.0.0/db")]
    [InlineData("DATABASE_URL", "postgres://u:p@[::]/db")]
    [InlineData("DATABASE_URL", "postgres://u:p@[fe80::1]/db")]
    [InlineData("DATABASE_URL", "postgres://u:p@[::ffff:192.0.2.1]/db")]
    [InlineData("DATABASE_URL", "postgres://u:p@127.0.0.1,h/db")]
    [InlineData("DATABASE_URL", "postgres://u:p@127.0.0.1%2Ch/db")]
    [InlineData("DATABASE_URL", "postgres://u:p@127.0.0.1;Host=h/db")]
    [InlineData("DATABASE_URL", "postgres://u:p@127.0.0.1/db?host=/var/run/postgresql")]
    [InlineData("DATABASE_URL", "postgres://u:p@127.0.0.1/db?host=h")]
    [InlineData("DATABASE_URL", "postgres://u:p@127.0.0.1/db?SSL%20Mode=disable")]
    [InlineData("DATABASE_URL", "postgres://u:p@127.0.0.1/db?user=other")]
    [InlineData("DATABASE_URL", "postgres://u:p@h/db?sslmode=verify-full&sslmode=disable")]
    [InlineData("DATABASE_URL", "postgres://u:p@h/db?sslmode=verify-full&Trust%20Server%20Certificate=true")]
    [InlineData("DATABASE_URL", "postgres:///db?host=h&user=u")]
    [InlineData("DATABASE_URL", "postgres:///db?host=/var/run,h&user=u")]
    [InlineData("DATABASE_URL", "postgres:///db?host=/var/run")]
    [InlineData("DATABASE_URL", "postgres:///?host=/var/run&user=u")]
    [InlineData("DATABASE_URL", "postgres:///db?host=/var/run&user=u&port=0")]
    [InlineData("DATABASE_URL", "postgres://u@127.0.0.1/db?port=5433")]
    [InlineData("OKMS_INSECURE_DATABASE_CONNECTION", "yes")]
    [InlineData("LOG_LEVEL", "loud")]
    [InlineData("LOG_LEVEL", "2")]
    [InlineData("HSM_ADDRESS", "pkcs11:token=okms")]
    [InlineData("HSM_ADDRESS", "pkcs11:token=okms?module-path=/usr/lib/m.so")]
    [InlineData("HSM_ADDRESS", "pkcs11:token=okms?module-path=/usr/lib/m.so&pin-source=|cat")]
    [InlineData("OKMS_HSM_PIN", "1234")]
    [InlineData("OKMS_OTHER_HSM_ADDRESS", "pkcs11:token=okms?module-path=/usr/lib/m.so")]
    [InlineData("OKMS_OTHER_HSM_PIN", "1234")]
    [InlineData("OKMS_OTHER_ROOT_KEY_FILE", "")]
    [InlineData("OKMS_HSM_SESSIONS", "0")]
    [InlineData("OKMS_HSM_TIMEOUT", "PT31S")]
    [InlineData("OKMS_HSM_CREATE_ROOT", "1")]
    [InlineData("OKMS_BIND_ADDRESS", "everywhere")]
    [InlineData("OKMS_BIND_ADDRESS", "127.0.0.1:80")]
    [InlineData("OKMS_METRICS_TOKEN_FILE", "/nowhere/metrics.token")]
    [InlineData("OKMS_METRICS_PORT", "0")]
    [InlineData("OKMS_MAX_CONNECTIONS", "9")]
    [InlineData("OKMS_MAX_BODY_BYTES_IN_FLIGHT", "1000")]
    [InlineData("OKMS_MAX_BODY_BYTES_IN_FLIGHT", "1099511627777")]
    [InlineData("OKMS_METRICS_BIND_ADDRESS", "*")]
    [InlineData("OKMS_SILO_PORT", "x")]
    [InlineData("OKMS_CLIENT_PORT", "70000")]
    [InlineData("OKMS_CLIENT_PORT", "11111")]
    [InlineData("OKMS_MAX_CLIENT_CONNECTIONS", "9")]
    [InlineData("OKMS_ADVERTISED_ADDRESS", "10.0.0.1:11111")]
    [InlineData("OKMS_ADVERTISED_ADDRESS", "0.0.0.0")]
    [InlineData("OKMS_ADVERTISED_ADDRESS", "two words")]
    [InlineData("OKMS_CLUSTER_BIND_ADDRESS", "localhost")]
    [InlineData("OKMS_PROBE_TIMEOUT", "PT0.1S")]
    [InlineData("OKMS_MISSED_PROBES", "0")]
    [InlineData("OKMS_START_TIMEOUT", "30")]
    [InlineData("OKMS_GATEWAY", "on")]
    [InlineData("OKMS_GATEWAY", "false")]
    [InlineData("OKMS_SERVICE_ID", "a b")]
    [InlineData("OKMS_CLUSTER_ID", "a\nb")]
    [InlineData("DATABASE_URL", "postgres://u:p@h/d?sslmode=require&sslrootcert=/ca.pem")]
    [InlineData("DATABASE_URL", "postgres://u:p@h/d?sslrootcert=/ca.pem")]
    [InlineData("OKMS_REQUEST_TIMEOUT", "5s")]
    [InlineData("OKMS_REQUEST_TIMEOUT", "PT0S")]
    [InlineData("OKMS_REQUEST_TIMEOUT", "P99999999999D")]
    [InlineData("OKMS_REQUEST_TIMEOUT", "PT10M0.1S")]
    [InlineData("OKMS_MIN_DELETION_DELAY", "P1M")]
    [InlineData("OKMS_MIN_DELETION_DELAY", "P1Y")]
    [InlineData("OKMS_MIN_DELETION_DELAY", "P1W")]
    [InlineData("OKMS_SHUTDOWN_TIMEOUT", "PT11M")]
    [InlineData("OKMS_DRAIN_DELAY", "PT16S")]
    [InlineData("OKMS_MAX_PLAINTEXT_BYTES", "1048577")]
    [InlineData("OKMS_MIN_DELETION_DELAY", "-PT1H")]
    [InlineData("OKMS_KEY_IDLE_TIME", "PT1S")]
    [InlineData("OKMS_FENCE_INTERVAL", "PT0.4S")]
    [InlineData("OKMS_FENCE_INTERVAL", "PT31S")]
    [InlineData("OKMS_FENCE_GRACE", "PT5S")]
    [InlineData("OKMS_FENCE_GRACE", "PT61M")]
    [InlineData("OKMS_RATE_LIMIT", "0")]
    [InlineData("OKMS_RATE_LIMIT", "10000001")]
    [InlineData("OKMS_RATE_LIMIT_BURST", "10")]
    [InlineData("OKMS_METRICS_KEY_LIMIT", "many")]
    [InlineData("OKMS_DASHBOARD", "yes")]
    [InlineData("OKMS_REQUEST_LOG", "1")]
    [InlineData("OKMS_LOG_FORMAT", "xml")]
    [InlineData("OKMS_PORT", "8080")]
    [InlineData("OKMS_DATA_DIRECTORY", "x")]
    public void Wrong_IsRefusedByName(string name, string value)
    {
        var refusal = Assert.Throws<SettingException>(() => Read((name, value)));
        Assert.Equal(name, refusal.Name);
        Assert.StartsWith(name + " ", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    [Fact]
    public void Ranges_ReachAsFarAsTheOptionsBehindThem()
    {
        var settings = Read(
            ("OKMS_RATE_LIMIT", "10000000"), ("OKMS_REQUEST_TIMEOUT", "PT10M"), ("OKMS_MAX_BODY_BYTES_IN_FLIGHT", "8589934592"));
        Assert.Equal((10_000_000, TimeSpan.FromMinutes(10)), (settings.Http.RateLimit, settings.Http.RequestTimeout));
        Assert.Equal(8L << 30, settings.Http.MaxBodyBytesInFlight);
    }

    [Theory]
    [InlineData("OKMS_SILO_PORT", "11112")]
    [InlineData("OKMS_START_TIMEOUT", "PT1S")]
    [InlineData("OKMS_HSM_SESSIONS", "2")]
    [InlineData("OKMS_RATE_LIMIT", "5", "OKMS_GATEWAY", "false", "DATABASE_URL", "postgres://u@127.0.0.1/db")]
    public void SettingOfAPartThatIsNotThere_IsNamed(string name, string value, params string[] others)
    {
        var settings = others.Chunk(2).Select(pair => (pair[0], pair[1])).Append((name, value)).ToArray();
        Assert.Equal([name], Read(settings).WithoutEffect);
    }

    [Fact]
    public void SettingOfAPartThatIsThere_IsNotNamed()
    {
        Assert.Empty(Read(("OKMS_RATE_LIMIT", "5"), ("OKMS_DRAIN_DELAY", "PT1S")).WithoutEffect);
        Assert.Empty(Read(("OKMS_SILO_PORT", "11112"), ("DATABASE_URL", "postgres://u@127.0.0.1/db")).WithoutEffect);
        Assert.Empty(Read(
            ("HSM_ADDRESS", "pkcs11:token=okms?module-path=/usr/lib/m.so&pin-value=1"), ("OKMS_HSM_SESSIONS", "2")).WithoutEffect);
    }

    [Fact]
    public void BurstThatCannotHoldTheRate_IsRefusedByName()
    {
        var refusal = Assert.Throws<SettingException>(() => Read(("OKMS_RATE_LIMIT", "100"), ("OKMS_RATE_LIMIT_BURST", "9")));
        Assert.Equal("OKMS_RATE_LIMIT_BURST", refusal.Name);
        Assert.Equal(10, Read(("OKMS_RATE_LIMIT", "100"), ("OKMS_RATE_LIMIT_BURST", "10")).Http.RateLimitBurst);
    }

    [Fact]
    public void WrongDatabaseUrl_MessageHoldsNoPassword()
    {
        foreach (var url in (string[])["postgres://user:s3cret@h", "mysql://user:s3cret@h/db", "postgres://user:s3cret@h/db?x=1", "user:s3cret"])
        {
            Assert.DoesNotContain("s3cret", Assert.Throws<SettingException>(() => Read(("DATABASE_URL", url))).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Hsm_IsReadWhole_AndHoldsNoPin()
    {
        var settings = Read(
            ("HSM_ADDRESS", "pkcs11:token=okms;object=root?module-path=/usr/lib/m.so"), ("OKMS_HSM_PIN", "s3cret"),
            ("OKMS_HSM_CREATE_ROOT", "true"), ("OKMS_HSM_SESSIONS", "7"), ("OKMS_HSM_TIMEOUT", "PT3S"));
        Assert.Equal(("okms", "root", "/usr/lib/m.so"), (settings.Hsm!.Address.Token, settings.Hsm.Address.RootLabel, settings.Hsm.Address.ModulePath));
        Assert.Equal((true, 7, TimeSpan.FromSeconds(3)), (settings.Hsm.MayCreateRoot, settings.Hsm.Sessions, settings.Hsm.Timeout));
        Assert.DoesNotContain("s3cret", settings.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void DatabaseUrl_IsReadWhole()
    {
        var settings = Read(("DATABASE_URL", "postgres://us%40er:p%3Aw%2F%40d@db.example:6543/my%20keys?sslmode=verify-full&sslrootcert=%2Fca.pem"));
        Assert.False(settings.IsAllInOne);
        Assert.False(settings.Gateway);
        Assert.False(settings.Dashboard);
        var connection = new NpgsqlConnectionStringBuilder(settings.Cluster.ConnectionString);
        Assert.Equal(("us@er", "p:w/@d", "db.example", 6543, "my keys"),
            (connection.Username, connection.Password, connection.Host, connection.Port, connection.Database));
        Assert.Equal(SslMode.VerifyFull, connection.SslMode);
        Assert.Equal("/ca.pem", connection.RootCertificate);
        // Encryption by Kerberos would come before TLS, whose server alone proves the name that is asked for.
        Assert.Equal(GssEncryptionMode.Disable, connection.GssEncryptionMode);
        Assert.DoesNotContain("p:w", settings.ToString() + settings.Cluster, StringComparison.Ordinal);
    }

    [Fact]
    public void DatabaseUrl_DefaultPort() =>
        Assert.Equal(5432, new NpgsqlConnectionStringBuilder(Read(("DATABASE_URL", "postgresql://u@127.0.0.1/db")).Cluster.ConnectionString).Port);

    [Theory]
    [InlineData("postgres://u@127.0.0.1/db", "127.0.0.1")]
    [InlineData("postgres://u@127.9.9.9/db?sslmode=disable", "127.9.9.9")]
    [InlineData("postgres://u@[::1]/db", "::1")]
    [InlineData("postgres://u@[::ffff:127.0.0.1]/db", "::ffff:127.0.0.1")]
    [InlineData("postgres://u@LocalHost/db", "127.0.0.1")]
    [InlineData("postgres://u@localhost/db?sslmode=require", "127.0.0.1")]
    [InlineData("postgres:///db?host=%2Fvar%2Frun%2Fpostgresql&user=u", "/var/run/postgresql")]
    [InlineData("postgres://u@localhost/db?sslmode=verify-full", "localhost")]
    public void DatabaseUrl_ThisMachine_NeedsNoAuthentication(string url, string host)
    {
        var connection = new NpgsqlConnectionStringBuilder(Read(("DATABASE_URL", url)).Cluster.ConnectionString);
        Assert.Equal((host, "u", "db"), (connection.Host, connection.Username, connection.Database));
    }

    [Fact]
    public void DatabaseUrl_Insecure_IsTaken_AndContradictsAnAuthenticatedServer()
    {
        var (insecure, url) = (("OKMS_INSECURE_DATABASE_CONNECTION", "true"), "postgres://u@h/db");
        Assert.Equal("h", new NpgsqlConnectionStringBuilder(Read(insecure, ("DATABASE_URL", url)).Cluster.ConnectionString).Host);
        Assert.Equal("DATABASE_URL", Assert.Throws<SettingException>(() => Read(insecure, ("DATABASE_URL", url + "?sslmode=verify-full"))).Name);
    }

    private static Settings Read(params (string Name, string Value)[] settings) => Settings.Read(new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Name, (string?)s.Value)))
        .Build());
}
