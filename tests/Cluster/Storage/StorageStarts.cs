using System.Diagnostics;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Hosting;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Storage;
using static OrleansKms.Tests.Cluster.Storage.StorageSilo;

namespace OrleansKms.Tests.Cluster.Storage;

/// <summary>What a start makes, what it takes up again, and what it refuses, on every database.</summary>
[UnsupportedOSPlatform("windows")]
public abstract class StorageStarts : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();

    protected string DirectoryPath => _directory.Path;

    protected string RootKey => Path.Combine(_directory.Path, "root.key");

    protected KmsStorageOptions Options { get; private set; } = null!;

    protected abstract Task<string?> CreateDatabase();

    protected abstract Task DropDatabase();

    public async Task InitializeAsync() =>
        Options = new KmsStorageOptions { DataDirectory = _directory.Path, ConnectionString = await CreateDatabase() };

    public async Task DisposeAsync()
    {
        await DropDatabase();
        _directory.Delete();
    }

    [Fact]
    public async Task Restart_RowsAndKeksAreThere()
    {
        await using (var first = await StorageSilo.Start(Options))
        {
            await first.Write("kept", Note("kept"));
        }

        await using var second = await StorageSilo.Start(Options);

        Assert.Equal("kept", (await second.Read("kept")).State!.Text);
        Assert.Equal(1, await second.Count("okms_kek"));
        Assert.Equal(["kept"], await second.Directory.List(RowNames.Key, "", null, 10, false, default));
    }

    [Fact]
    public async Task Restart_RootKeyMissing_IsRefusedAndNoneIsMade()
    {
        await StartAndStop();
        File.Delete(RootKey);

        Assert.Contains("missing", await Refusal(), StringComparison.Ordinal);
        Assert.False(File.Exists(RootKey));
    }

    [Fact]
    public async Task Restart_AnotherRootKey_IsRefused()
    {
        await StartAndStop();
        await File.WriteAllBytesAsync(RootKey, RandomNumberGenerator.GetBytes(32));

        Assert.Contains("does not open", await Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(33)]
    public async Task Restart_RootKeyOfAnotherLength_IsRefused(int length)
    {
        await StartAndStop();
        await File.WriteAllBytesAsync(RootKey, new byte[length]);

        Assert.Contains("32 bytes", await Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Restart_RootKeyReadableByOthers_IsRefused()
    {
        await StartAndStop();
        File.SetUnixFileMode(RootKey, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);

        Assert.Contains("chmod 600", await Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Restart_WrappedKekDamaged_IsRefused()
    {
        await using (var silo = await StorageSilo.Start(Options))
        {
            var wrapped = (byte[])(await silo.Scalar("SELECT wrapped FROM okms_kek_wrap"))!;
            wrapped[^1] ^= 1;
            await silo.Execute("UPDATE okms_kek_wrap SET wrapped = @w", ("w", wrapped));
        }

        Assert.Contains("does not open", await Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Restart_RootKeyLeftFromAStartThatDiedBeforeTheFirstKek_IsTakenUp()
    {
        var root = RandomNumberGenerator.GetBytes(32);
        await File.WriteAllBytesAsync(RootKey, root);
        File.SetUnixFileMode(RootKey, UnixFileMode.UserRead | UnixFileMode.UserWrite);

        await StartAndStop();

        Assert.Equal(root, await File.ReadAllBytesAsync(RootKey));
        await StartAndStop();
    }

    [Fact]
    public async Task Restart_SchemaOfANewerProgram_IsUsedUnlessItForbidsThisOne()
    {
        await using (var silo = await StorageSilo.Start(Options))
        {
            await silo.Execute("CREATE TABLE okms_from_the_future (id integer)");
        }

        await using (var silo = await StorageSilo.Start(Options))
        {
            await silo.Execute("UPDATE okms_schema SET least_program_version = 99");
        }

        Assert.Contains("newer OrleansKms", await Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task FirstStart_FilesAreTheOwnersOnly()
    {
        File.SetUnixFileMode(DirectoryPath, (UnixFileMode)0b111_101_101);
        await using var silo = await StorageSilo.Start(Options);
        await silo.Write("x", Note("x"));

        Assert.Equal((UnixFileMode)0b111_000_000, File.GetUnixFileMode(DirectoryPath));
        Assert.NotEmpty(Directory.GetFiles(DirectoryPath));
        Assert.All(Directory.GetFiles(DirectoryPath), f =>
            Assert.Equal((f, (UnixFileMode)0b110_000_000), (f, File.GetUnixFileMode(f))));
    }

    protected async Task StartAndStop()
    {
        await using var silo = await StorageSilo.Start(Options);
    }

    /// <summary>Starts as the service does, and returns the one line with which it refuses.</summary>
    protected async Task<string> Refusal()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo => silo.UseLocalhostClustering().AddKmsStorage(Options));
        using var host = builder.Build();
        var refusal = await Assert.ThrowsAsync<StartRefusedException>(() => host.StartAsync());
        Assert.DoesNotContain('\n', refusal.Message);
        return refusal.Message;
    }
}

[Trait("database", "sqlite")]
[UnsupportedOSPlatform("windows")]
public sealed class SqliteStarts : StorageStarts
{
    protected override Task<string?> CreateDatabase() => Task.FromResult<string?>(null);

    protected override Task DropDatabase() => Task.CompletedTask;

    [Fact]
    public async Task SecondProcess_OnOneDataDirectory_IsRefusedUntilTheFirstEnds()
    {
        await using (var first = await StorageSilo.Start(Options))
        {
            Assert.Contains("Another process uses the data directory", await Refusal(), StringComparison.Ordinal);
            Assert.NotEqual(0, await OtherProcessLocks());
        }

        Assert.Equal(0, await OtherProcessLocks());
        await StartAndStop();
    }

    [Fact]
    public async Task DataDirectory_ThatIsAFile_IsRefused()
    {
        var file = Path.Combine(DirectoryPath, "file");
        await File.WriteAllTextAsync(file, "");
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo => silo.UseLocalhostClustering().AddKmsStorage(Options with { DataDirectory = file }));
        using var host = builder.Build();

        await Assert.ThrowsAsync<StartRefusedException>(() => host.StartAsync());
    }

    // The lock that .NET takes is flock(2), so another program sees it too.
    private async Task<int> OtherProcessLocks()
    {
        using var process = Process.Start("flock", ["-n", Path.Combine(DirectoryPath, "kms.lock"), "true"]);
        await process.WaitForExitAsync();
        return process.ExitCode;
    }
}

[Trait("database", "postgres")]
[UnsupportedOSPlatform("windows")]
public sealed class PostgresStarts : StorageStarts
{
    private readonly TestPostgres _database = new();

    protected override async Task<string?> CreateDatabase() => await _database.Create();

    protected override Task DropDatabase() => _database.Drop();

    [Fact]
    public async Task Start_SynchronousCommitOff_IsRefused()
    {
        await TestPostgres.Execute($"ALTER DATABASE {_database.Name} SET synchronous_commit = off");

        Assert.Contains("synchronous_commit off", await Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task FirstStart_ManySilosAtOnce_MigrateOnceAndMakeOneKek()
    {
        // Silos that share a root key, as they would by a mounted secret.
        await File.WriteAllBytesAsync(RootKey, RandomNumberGenerator.GetBytes(32));
        File.SetUnixFileMode(RootKey, UnixFileMode.UserRead | UnixFileMode.UserWrite);

        var silos = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => StorageSilo.Start(Options)));

        Assert.Equal(1, await silos[0].Count("okms_kek"));
        var scripts = Directory.GetFiles(Path.Combine(Repository.Root, "deploy", "sql", "postgres"), "*.sql");
        Assert.Equal(scripts.Length, await silos[0].Count("okms_migration"));
        await silos[0].Write("shared", Note("shared"));
        foreach (var silo in silos)
        {
            Assert.Equal("shared", (await silo.Read("shared")).State!.Text);
            await silo.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("Host=127.0.0.1;Port=1;Username=u;Password=hunter2;Database=d;Timeout=2", "cannot be reached")]
    [InlineData("Host=127.0.0.1;Port=hunter2", "not valid")]
    [InlineData("hunter2", "not valid")]
    public async Task Start_NoSuchPostgres_IsRefusedWithoutThePassword(string connectionString, string reason)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo =>
            silo.UseLocalhostClustering().AddKmsStorage(Options with { ConnectionString = connectionString }));

        var refusal = await Assert.ThrowsAsync<StartRefusedException>(async () =>
        {
            using var host = builder.Build();
            await host.StartAsync();
        });

        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", refusal.ToString(), StringComparison.Ordinal);
    }
}
