using System.Net.Sockets;
using System.Text;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>What lies on the disk, who may read it, and what is not in it.</summary>
public sealed class DataDirectoryTests
{
    private const string InRequests = "s3cr3t.in.a.request";
    private const UnixFileMode File600 = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    [Fact]
    public async Task FirstStart_EverythingIsClosedToOthers()
    {
        using var directory = new TemporaryDirectory();
        await using var service = await ServiceProcess.Start(directory.Path);
        await service.Http.Create("some");
        Assert.Equal(File600 | UnixFileMode.UserExecute, File.GetUnixFileMode(service.DataDirectory));
        var files = Directory.GetFiles(service.DataDirectory, "*", SearchOption.AllDirectories);
        Assert.All(["admin.token", "kms.db", "metrics.token", "root.key"], name => Assert.Contains(files, f => Path.GetFileName(f) == name));
        Assert.All(files, file => Assert.True(File.GetUnixFileMode(file) == File600, $"{file}: {File.GetUnixFileMode(file)}"));
    }

    [Fact]
    public async Task DirectoryThatWasOpen_IsClosed()
    {
        using var directory = new TemporaryDirectory();
        Directory.CreateDirectory(directory.Of("okms-data"));
        File.SetUnixFileMode(directory.Of("okms-data"), File600 | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        await using var service = await ServiceProcess.Start(directory.Path, ("OKMS_MISSED_PROBES", "4"));
        Assert.Equal(File600 | UnixFileMode.UserExecute, File.GetUnixFileMode(service.DataDirectory));
        // A setting of clusters, of which nothing comes in a silo that runs alone.
        Assert.Single(service.Output, line => line.Contains("OKMS_MISSED_PROBES", StringComparison.Ordinal));
    }

    [Fact]
    public async Task FirstStart_SaysWhereTheTokenIs_NeverWhatItIs()
    {
        using var directory = new TemporaryDirectory();
        string token;
        await using (var service = await ServiceProcess.Start(directory.Path))
        {
            token = service.Token;
            await service.Stop();
            Assert.Single(service.Output, line => line.Contains("admin.token", StringComparison.Ordinal));
            Assert.Single(service.Output, line => line.Contains("metrics.token", StringComparison.Ordinal));
            Assert.DoesNotContain(token, service.ToString(), StringComparison.Ordinal);
            // One line for each migration besides.
            Assert.InRange(service.Output.Count(line => !line.Contains("MigrationApplied", StringComparison.Ordinal)), 2, 8);
        }
        await using var again = await ServiceProcess.Start(directory.Path);
        Assert.Equal(token, again.Token);
        await again.Stop();
        Assert.DoesNotContain(again.Output, line => line.Contains("admin.token", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Files_HoldNoPlaintextTokenOrDataKey()
    {
        using var directory = new TemporaryDirectory();
        var plaintext = "a plaintext that is easily found 8f2c"u8.ToArray();
        byte[] dataKey, token;
        // As much as can be asked for, by both ways of asking.
        await File.WriteAllTextAsync(directory.Of("appsettings.json"), """{ "Logging": { "LogLevel": { "Default": "Trace", "Microsoft": "Trace" } } }""");
        await using (var service = await ServiceProcess.Start(directory.Path, ("LOG_LEVEL", "trace")))
        {
            await HoldSecretsInEveryPart(service);
            token = Encoding.ASCII.GetBytes(service.Token);
            await service.Http.Create("some");
            for (var i = 0; i < 20; i++) await service.Http.Encrypt("some", plaintext);
            var answer = await service.Http.Post("/v1/keys/some/datakey");
            dataKey = Convert.FromBase64String(answer["plaintext"]!.GetValue<string>());
            await service.Stop();
            Assert.DoesNotContain(InRequests, service.ToString(), StringComparison.OrdinalIgnoreCase);
            foreach (var secret in (byte[][])[plaintext, dataKey, token])
            {
                Assert.DoesNotContain(Convert.ToBase64String(secret), service.ToString(), StringComparison.Ordinal);
                Assert.DoesNotContain(Encoding.Latin1.GetString(secret), service.ToString(), StringComparison.Ordinal);
            }
        }
        var root = await File.ReadAllBytesAsync(directory.Of("okms-data/root.key"));
        foreach (var file in Directory.GetFiles(directory.Of("okms-data")).Where(f => Path.GetFileName(f) is not ("admin.token" or "metrics.token" or "root.key")))
        {
            var content = await File.ReadAllBytesAsync(file);
            foreach (var secret in (byte[][])[plaintext, dataKey, token, root])
            {
                Assert.False(content.AsSpan().IndexOf(secret) >= 0, $"{file} holds a secret.");
                Assert.False(content.AsSpan().IndexOf(Encoding.ASCII.GetBytes(Convert.ToBase64String(secret).TrimEnd('='))) >= 0, $"{file} holds a secret.");
            }
        }
        // The search itself finds what is there.
        Assert.True((await File.ReadAllBytesAsync(directory.Of("okms-data/kms.db"))).AsSpan().IndexOf("SQLite format 3"u8) >= 0);
    }

    /// <summary>Requests that are answered well and badly, each with something secret wherever a client can put it.</summary>
    private static async Task HoldSecretsInEveryPart(ServiceProcess service)
    {
        foreach (var path in (string[])["/v1/keys", "/v1/keys/some", "/v1/decrypt", "/health", "/metrics", "/docs/", "/dashboard/", $"/{InRequests}/x"])
        {
            foreach (var method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Post])
            {
                foreach (var authorization in (string?[])[null, $"Bearer {InRequests}", $"Basic {InRequests}", $"Bearer {service.Token}"])
                {
                    using var request = new HttpRequestMessage(method, $"{path}?token={InRequests}&limit={InRequests}");
                    if (authorization is not null) request.Headers.TryAddWithoutValidation("Authorization", authorization);
                    request.Headers.Referrer = new($"http://elsewhere/{InRequests}?token={InRequests}");
                    request.Headers.TryAddWithoutValidation("User-Agent", InRequests);
                    request.Headers.TryAddWithoutValidation("Cookie", $"token={InRequests}");
                    request.Headers.TryAddWithoutValidation("X-Request-Id", $"{InRequests} {InRequests}");
                    request.Headers.TryAddWithoutValidation("Okms-Associated-Data", InRequests);
                    if (method == HttpMethod.Post) request.Content = new StringContent($$"""{ "{{InRequests}}": "{{InRequests}}", "id": 7 }""", null, "application/json");
                    using var answer = await service.Http.SendAsync(request);
                }
            }
        }

        // What the web server itself refuses, and says so.
        foreach (var start in (string[])[$"GET /?token={InRequests} HTTP/9.9", $"{InRequests} / HTTP/1.1", $"GET http:/{InRequests} HTTP/1.1", $"GET /%00{InRequests} HTTP/1.1"])
        {
            using var client = new TcpClient();
            await client.ConnectAsync(System.Net.IPAddress.Loopback, service.Port);
            await using var stream = client.GetStream();
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"{start}\r\nHost: {InRequests} {InRequests}\r\n{InRequests}\r\n\r\n"));
            client.Client.Shutdown(SocketShutdown.Send);
            using var reader = new StreamReader(stream);
            await reader.ReadToEndAsync();
        }
    }
}
