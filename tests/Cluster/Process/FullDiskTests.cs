using System.Net;
using System.Text.Json.Nodes;
using OrleansKms.Gateway.Hosting;
using OrleansKms.Tests.Cluster.Faults;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>The service whose data directory is on a disk that is full, or takes no writes.</summary>
public sealed class FullDiskTests
{
    private static readonly byte[] _plaintext = "still here"u8.ToArray();

    [SmallDiskFact]
    public async Task FullDisk_IsSaidByHealth_AndWarmKeysGoOn_AndAStartIsRefused()
    {
        using var disk = new SmallDisk(mebibytes: 8);
        using var directory = new TemporaryDirectory();
        (string, string?) data = ("OKMS_DATA_DIR", disk.Of("data"));
        await using (var service = ServiceProcess.Launch(directory.Path, port: null, data, ("OKMS_AUDIT_DIR", directory.Of("audit"))))
        {
            await service.UntilHealthy();
            service.SignIn((await File.ReadAllTextAsync(disk.Of("data/admin.token"))).Trim());
            await service.Http.Create("warm");
            var (_, ciphertext) = await service.Http.Encrypt("warm", _plaintext);

            disk.Fill();
            await service.UntilSaid("The database cannot do its work");
            Assert.Contains(service.Output, line => line.Contains("No space left on device", StringComparison.Ordinal));
            await IsUnhealthy(service, "/health");
            await IsUnhealthy(service, "/health/ready");
            Assert.Equal(_plaintext, Assert.Single(await service.Http.DecryptAll("warm", [ciphertext])).Plaintext);
            await service.Http.Encrypt("warm", _plaintext);

            disk.Free();
            await service.UntilHealthy();
            await service.Http.Create("again");
            await service.Stop();
        }

        disk.Fill();
        await Refused(directory.Path, "No space left on device", disk.Of("data"), data);
        await Refused(directory.Path, "No space left on device", disk.Of("other/"), ("OKMS_DATA_DIR", disk.Of("other")));
        disk.MakeReadOnly();
        await Refused(directory.Path, "Read-only file system", disk.Of("data"), data);
        await Refused(directory.Path, "Read-only file system", disk.Of("third"), ("OKMS_DATA_DIR", disk.Of("third")));
    }

    // What the probe asks next may be a second old.
    private static async Task IsUnhealthy(ServiceProcess service, string path)
    {
        while (true)
        {
            using var answer = await service.Http.GetAsync(path);
            if (answer.IsSuccessStatusCode) continue;
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            Assert.Equal("unhealthy", JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["checks"]!["database"]!.GetValue<string>());
            return;
        }
    }

    private static async Task Refused(string directory, string cause, string path, (string, string?) setting)
    {
        await using var service = ServiceProcess.Launch(directory, port: null, setting);
        Assert.Equal(StartGuard.Refused, await service.Exited());
        var line = Assert.Single(service.Errors);
        Assert.Contains(cause, line, StringComparison.Ordinal);
        Assert.Contains(path, line, StringComparison.Ordinal);
    }
}
