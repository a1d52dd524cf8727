using Microsoft.Extensions.Configuration;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Silo.Configuration;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>Secrets that come in files.</summary>
public sealed class SecretFileTests : IDisposable
{
    private const string Url = "postgres://okms:s3cret@db.example/okms?sslmode=verify-full";
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly TemporaryDirectory _directory = new();

    [Theory]
    [InlineData(Url)]
    [InlineData(Url + "\n")]
    [InlineData(" " + Url + "\r\n")]
    public void DatabaseUrl_FromItsFile_IsTheSame(string content) =>
        Assert.Equal(
            Read(("DATABASE_URL", Url)).Cluster.ConnectionString,
            Read(("DATABASE_URL_FILE", Written(content))).Cluster.ConnectionString);

    [Fact]
    public void Both_AreRefused() => Refused("DATABASE_URL_FILE", ("DATABASE_URL", Url), ("DATABASE_URL_FILE", Written(Url)));

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData(Url + "\n" + Url)]
    [InlineData(Url + "\0")]
    public void File_WithoutOneLine_IsRefused(string content) => Refused("DATABASE_URL_FILE", ("DATABASE_URL_FILE", Written(content)));

    [Fact]
    public void File_TooLong_IsRefused() =>
        Refused("DATABASE_URL_FILE", ("DATABASE_URL_FILE", Written(Url + new string('x', 64 * 1024))));

    [Fact]
    public void Directory_IsRefused() => Refused("DATABASE_URL_FILE", ("DATABASE_URL_FILE", _directory.Path));

    [Fact]
    public void WrongUrlInFile_IsRefusedWithoutIt() => Refused("DATABASE_URL", ("DATABASE_URL_FILE", Written("mysql://u:s3cret@h/db")));

    [Theory]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.OtherWrite)]
    [InlineData(UnixFileMode.GroupWrite)]
    public void File_OpenToOthers_IsRefused(UnixFileMode open)
    {
        if (OperatingSystem.IsWindows()) return;
        var path = Written(Url);
        File.SetUnixFileMode(path, Private | open);
        Refused("DATABASE_URL_FILE", ("DATABASE_URL_FILE", path));
        Refused("OKMS_ROOT_KEY_FILE", ("OKMS_ROOT_KEY_FILE", path));
    }

    [Fact]
    public void File_OfItsGroup_Serves()
    {
        if (OperatingSystem.IsWindows()) return;
        var path = Written(Url);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Assert.NotNull(Read(("DATABASE_URL_FILE", path)).Cluster.ConnectionString);
        Assert.Equal(path, Read(("OKMS_ROOT_KEY_FILE", path)).RootKeyFile);
    }

    [Theory]
    [InlineData("a-token-for-metrics-that-is-long-enough\n", true)]
    [InlineData("too-short-to-be-a-token-s3cret", false)]
    [InlineData("s3cret words that are long enough to be one token", false)]
    public void MetricsToken_IsOneToken(string content, bool taken)
    {
        var path = Written(content);
        if (taken) Assert.Equal(path, Read(("OKMS_METRICS_TOKEN_FILE", path)).Http.MetricsTokenFile);
        else Refused("OKMS_METRICS_TOKEN_FILE", ("OKMS_METRICS_TOKEN_FILE", path));
    }

    [Fact]
    public async Task RootKey_HandedIn_OpensWhatItSealed_AndNoOtherDoes()
    {
        var root = _directory.Of("handed-in.key");
        await File.WriteAllBytesAsync(root, Enumerable.Range(0, 32).Select(i => (byte)i).ToArray());
        Close(root);
        await using (var service = await ServiceProcess.Start(_directory.Path, ("OKMS_ROOT_KEY_FILE", root)))
        {
            await service.Http.Create("handed-in");
            Assert.Equal(0, await service.Stop());
        }
        Assert.False(File.Exists(_directory.Of("okms-data/root.key")));

        await using (var without = ServiceProcess.Launch(_directory.Path))
        {
            Assert.Equal(2, await without.Exited());
            Assert.Contains(without.Errors, line => line.Contains("root.key is missing", StringComparison.Ordinal));
        }

        await using var again = await ServiceProcess.Start(_directory.Path, ("OKMS_ROOT_KEY_FILE", root));
        Assert.Equal("handed-in", (await again.Http.Describe("handed-in"))["id"]!.GetValue<string>());
    }

    public void Dispose() => _directory.Dispose();

    private string Written(string content)
    {
        var path = _directory.Of("secret");
        File.WriteAllText(path, content);
        Close(path);
        return path;
    }

    private static void Close(string path)
    {
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, Private);
    }

    private static void Refused(string name, params (string Name, string Value)[] settings)
    {
        var refusal = Assert.Throws<SettingException>(() => Read(settings));
        Assert.Equal(name, refusal.Name);
        Assert.DoesNotContain("s3cret", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    private static Settings Read(params (string Name, string Value)[] settings) => Settings.Read(new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Name, (string?)s.Value)))
        .Build());
}
