using System.Text;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>What lies on the disk, who may read it, and what is not in it.</summary>
public sealed class DataDirectoryTests
{
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
        await using var service = await ServiceProcess.Start(directory.Path);
        Assert.Equal(File600 | UnixFileMode.UserExecute, File.GetUnixFileMode(service.DataDirectory));
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
        await using (var service = await ServiceProcess.Start(directory.Path, ("LOG_LEVEL", "trace")))
        {
            token = Encoding.ASCII.GetBytes(service.Token);
            await service.Http.Create("some");
            for (var i = 0; i < 20; i++) await service.Http.Encrypt("some", plaintext);
            var answer = await service.Http.Post("/v1/keys/some/datakey");
            dataKey = Convert.FromBase64String(answer["plaintext"]!.GetValue<string>());
            await service.Stop();
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
}
