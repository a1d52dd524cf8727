using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>What other processes of the machine can reach.</summary>
public sealed class IsolationTests
{
    [Fact]
    public async Task TwoInstances_RunBesideEachOther()
    {
        using var one = new TemporaryDirectory();
        using var two = new TemporaryDirectory();
        await using var first = await ServiceProcess.Start(one.Path);
        await using var second = await ServiceProcess.Start(two.Path);
        await first.Http.Create("same-id");
        await second.Http.Create("same-id");
        var (_, ciphertext) = await first.Http.Encrypt("same-id", [1, 2, 3]);
        Assert.Equal((null, "invalid_ciphertext"), Assert.Single(await second.Http.DecryptAll("same-id", [ciphertext])));
        using var foreign = new HttpRequestMessage(HttpMethod.Get, "/v1/keys");
        foreign.Headers.Authorization = new AuthenticationHeaderValue("Bearer", first.Token);
        using var answer = await second.Http.SendAsync(foreign);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Fact]
    public async Task OnlyTheHttpPortIsOpen_OnLoopback()
    {
        using var directory = new TemporaryDirectory();
        await using var service = await ServiceProcess.Start(directory.Path);
        var listening = ListeningSockets(service.Id);
        Assert.NotEmpty(listening);
        Assert.All(listening, endpoint =>
        {
            Assert.Equal(service.Port, endpoint.Port);
            Assert.True(IPAddress.IsLoopback(endpoint.Address), endpoint.ToString());
        });
    }

    [Fact]
    public async Task SiloAndClientPorts_RefuseConnections()
    {
        using var directory = new TemporaryDirectory();
        var (siloPort, clientPort) = (ServiceProcess.FreePort(), ServiceProcess.FreePort());
        await using var service = await ServiceProcess.Start(
            directory.Path,
            ("OKMS_SILO_PORT", siloPort.ToString(CultureInfo.InvariantCulture)),
            ("OKMS_CLIENT_PORT", clientPort.ToString(CultureInfo.InvariantCulture)));
        await service.Http.Create("works");
        foreach (var port in (int[])[siloPort, clientPort])
        {
            using var client = new TcpClient();
            var refused = await Assert.ThrowsAsync<SocketException>(() => client.ConnectAsync(IPAddress.Loopback, port));
            Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
        }
    }

    [Fact]
    public async Task CoreDumps_AreOff()
    {
        using var directory = new TemporaryDirectory();
        await using var service = await ServiceProcess.Start(directory.Path);
        var limits = await File.ReadAllLinesAsync($"/proc/{service.Id}/limits");
        var core = Assert.Single(limits, line => line.StartsWith("Max core file size", StringComparison.Ordinal));
        Assert.Equal(["0", "0"], core["Max core file size".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[..2]);
    }

    [Fact]
    public async Task Dashboard_IsForTheAdministratorOnly()
    {
        using var directory = new TemporaryDirectory();
        await using var service = await ServiceProcess.Start(directory.Path, ("OKMS_DASHBOARD", null));
        // It costs nothing before somebody opens it.
        await StartAllocations.AreFew(service);
        var basic = Convert.ToBase64String(Encoding.UTF8.GetBytes($"admin:{service.Token}"));
        var wrong = Convert.ToBase64String("admin:wrong"u8);
        foreach (var path in (string[])["/dashboard/", "/dashboard/index.min.js", "/dashboard/DashboardCounters", "/dashboard/GrainState?grainId=key/a"])
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusOf(service, path, null));
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusOf(service, path, new AuthenticationHeaderValue("Basic", wrong)));
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusOf(service, path, new AuthenticationHeaderValue("Bearer", "wrong")));
        }
        foreach (var path in (string[])["/dashboard/", "/dashboard/DashboardCounters"])
        {
            Assert.Equal(HttpStatusCode.OK, await StatusOf(service, path, new AuthenticationHeaderValue("Bearer", service.Token)));
            Assert.Equal(HttpStatusCode.OK, await StatusOf(service, path, new AuthenticationHeaderValue("Basic", basic)));
        }
    }

    [Fact]
    public async Task Dashboard_Off_IsNotThere()
    {
        using var directory = new TemporaryDirectory();
        await using var service = await ServiceProcess.Start(directory.Path, ("OKMS_DASHBOARD", "false"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusOf(service, "/dashboard/", new AuthenticationHeaderValue("Bearer", service.Token)));
    }

    private static async Task<HttpStatusCode> StatusOf(ServiceProcess service, string path, AuthenticationHeaderValue? authorization)
    {
        using var http = new HttpClient { BaseAddress = service.Http.BaseAddress };
        http.DefaultRequestHeaders.Authorization = authorization;
        using var answer = await http.GetAsync(path);
        return answer.StatusCode;
    }

    /// <summary>The TCP sockets on which a process listens, as the kernel tells them.</summary>
    private static List<IPEndPoint> ListeningSockets(int processId)
    {
        const string listen = "0A";
        var sockets = Directory.GetFiles($"/proc/{processId}/fd")
            .Select(fd => Target(fd))
            .Where(target => target.StartsWith("socket:[", StringComparison.Ordinal))
            .Select(target => target["socket:[".Length..^1])
            .ToHashSet(StringComparer.Ordinal);
        return [.. ((string[])["/proc/net/tcp", "/proc/net/tcp6"])
            .Where(File.Exists)
            .SelectMany(table => File.ReadLines(table).Skip(1))
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(columns => columns[3] == listen && sockets.Contains(columns[9]))
            .Select(columns => EndPointOf(columns[1]))];
    }

    /// <summary>The kernel writes addresses as hexadecimal words in the byte order of the machine.</summary>
    private static IPEndPoint EndPointOf(string text)
    {
        var parts = text.Split(':');
        var bytes = Convert.FromHexString(parts[0]);
        for (var word = 0; word < bytes.Length; word += 4) Array.Reverse(bytes, word, 4);
        return new IPEndPoint(new IPAddress(bytes), int.Parse(parts[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }

    // It may be closed again since it was listed.
    private static string Target(string descriptor)
    {
        try
        {
            return File.ResolveLinkTarget(descriptor, returnFinalTarget: false)?.Name ?? "";
        }
        catch (FileNotFoundException)
        {
            return "";
        }
    }
}
