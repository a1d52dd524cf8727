using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using OrleansKms.Gateway.Hosting;
using OrleansKms.Tests.Cluster.Processes;
using OrleansKms.Tests.Cluster.Transport;

namespace OrleansKms.Tests.Cluster.Gateways;

/// <summary>The real executable, without the cluster that it looks for.</summary>
public sealed class GatewayProcessTests
{
    private static readonly (string, string?) _insecure = ("OKMS_INSECURE_CLUSTER_NETWORK", "true");

    [Fact]
    public async Task WithoutDatabase_ListensAtOnce_AnswersUnavailable_AndStopsWhenTold()
    {
        using var directory = new TemporaryDirectory();
        var database = ("DATABASE_URL", $"postgres://okms:s3cret@127.0.0.1:{ServiceProcess.FreePort()}/okms");
        await using var gateway = ServiceProcess.LaunchGateway(directory.Path, port: null, database, _insecure);
        await gateway.Until("/health/live");
        await IsUnavailable(gateway);
        await gateway.UntilSaid("Waiting for the cluster");
        await IsUnavailable(gateway);
        Assert.Equal(0, await gateway.Stop());
        Assert.Empty(gateway.Errors);
        Assert.DoesNotContain("s3cret", gateway.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task MetricsAndHealth_HaveAListenerOfTheirOwn_WhichServesNothingElse()
    {
        const string Token = "a-token-for-metrics-that-is-long-enough";
        using var directory = new TemporaryDirectory();
        var (file, port) = (directory.Of("metrics.token"), ServiceProcess.FreePort());
        await File.WriteAllTextAsync(file, Token + "\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await using var gateway = ServiceProcess.LaunchGateway(
            directory.Path, port: null, ("DATABASE_URL", $"postgres://okms:s3cret@127.0.0.1:{ServiceProcess.FreePort()}/okms"), _insecure,
            ("OKMS_METRICS_TOKEN_FILE", file), ("OKMS_METRICS_PORT", port.ToString(CultureInfo.InvariantCulture)));
        await gateway.Until("/health/live");
        gateway.SignIn(Token);
        using var own = new HttpClient { BaseAddress = new($"http://127.0.0.1:{port}") };

        Assert.Equal(HttpStatusCode.Unauthorized, await Status(own, "/metrics"));
        own.DefaultRequestHeaders.Authorization = gateway.Http.DefaultRequestHeaders.Authorization;
        // No cluster is needed to be watched.
        foreach (var path in (string[])["/metrics", "/health/live"]) Assert.Equal(HttpStatusCode.OK, await Status(own, path));
        foreach (var path in (string[])["/health", "/health/ready"]) Assert.Equal(HttpStatusCode.ServiceUnavailable, await Status(own, path));
        foreach (var path in (string[])["/", "/v1/keys", "/v1/keys/a/encrypt", "/encrypt", "/openapi/v1.json", "/docs", "/docs/", "/dashboard/", "/healthy"])
        {
            Assert.Equal((path, HttpStatusCode.NotFound), (path, await Status(own, path)));
            using var posted = await own.PostAsync(path, new StringContent("{}"));
            Assert.Equal((path, HttpStatusCode.NotFound), (path, posted.StatusCode));
        }

        Assert.Equal(HttpStatusCode.NotFound, await Status(gateway.Http, "/metrics"));
        Assert.Equal(HttpStatusCode.OK, await Status(gateway.Http, "/health/live"));
        Assert.Equal(HttpStatusCode.OK, await Status(gateway.Http, "/openapi/v1.json"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await Status(gateway.Http, "/v1/keys"));
        Assert.Equal(0, await gateway.Stop());
        Assert.DoesNotContain(Token, gateway.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WithoutSchema_WaitsToo()
    {
        using var directory = new TemporaryDirectory();
        var connection = new Npgsql.NpgsqlConnectionStringBuilder(await Postgres.NewDatabase());
        var database = ("DATABASE_URL", $"postgres://{connection.Username}:{connection.Password}@{connection.Host}:{connection.Port}/{connection.Database}?sslmode=disable");
        await using var gateway = ServiceProcess.LaunchGateway(directory.Path, port: null, database, _insecure);
        await gateway.Until("/health/live");
        await gateway.UntilSaid("42P01");
        await IsUnavailable(gateway);
        Assert.Equal(0, await gateway.Stop());
        Assert.Empty(gateway.Errors);
    }

    [Fact]
    public async Task CertificateThatIsNoGateways_IsRefusedInOneLine()
    {
        using var directory = new TemporaryDirectory();
        using var certificates = new Certificates();
        var files = certificates.Client("service");
        await using var gateway = ServiceProcess.LaunchGateway(
            directory.Path, port: null, ("DATABASE_URL", "postgres://u:s3cret@127.0.0.1/okms"),
            ("OKMS_TLS_CA", files.AuthorityFile), ("OKMS_TLS_CERT", files.CertificateFile), ("OKMS_TLS_KEY", files.KeyFile));
        Assert.Equal(StartGuard.Refused, await gateway.Exited());
        var line = Assert.Single(gateway.Errors);
        Assert.StartsWith("okms: OKMS_TLS_CERT: ", line, StringComparison.Ordinal);
        Assert.Contains("without the role okms:gateway", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("DATABASE_URL", null)]
    [InlineData("DATABASE_URL", "mysql://localhost/keys")]
    [InlineData("PORT", "80800")]
    [InlineData("OKMS_TLS_CERT", null, "OKMS_INSECURE_CLUSTER_NETWORK", "false")]
    [InlineData("OKMS_DATA_DIR", "/tmp")]
    [InlineData("OKMS_DASHBOARD", "true")]
    [InlineData("OKMS_REQUEST_TIMEOUT", "5")]
    [InlineData("DOTNET_DbgEnableMiniDump", "1")]
    public async Task WrongSetting_IsRefusedInOneLine(string name, string? value, string other = "LOG_LEVEL", string otherValue = "info")
    {
        using var directory = new TemporaryDirectory();
        var settings = new Dictionary<string, string?> { ["DATABASE_URL"] = "postgres://u:s3cret@127.0.0.1/okms", ["OKMS_INSECURE_CLUSTER_NETWORK"] = "true", [name] = value };
        settings[other] = otherValue;
        await using var gateway = ServiceProcess.LaunchGateway(directory.Path, port: null, [.. settings.Select(s => (s.Key, s.Value)).Where(s => s.Key != "PORT" || s.Value is not null)]);
        Assert.Equal(StartGuard.Refused, await gateway.Exited());
        var line = Assert.Single(gateway.Errors);
        Assert.StartsWith($"okms: {name} ", line, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", gateway.ToString(), StringComparison.Ordinal);
    }

    private static async Task<HttpStatusCode> Status(HttpClient http, string path)
    {
        using var answer = await http.GetAsync(path);
        return answer.StatusCode;
    }

    private static async Task IsUnavailable(ServiceProcess gateway)
    {
        Assert.Equal(HttpStatusCode.OK, (await gateway.Http.GetAsync("/health/live")).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await gateway.Http.GetAsync("/health/ready")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await gateway.Http.GetAsync("/v1/keys")).StatusCode);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/keys");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "any");
        using var answer = await gateway.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter);
        Assert.Equal("unavailable", JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["code"]!.GetValue<string>());
    }
}
