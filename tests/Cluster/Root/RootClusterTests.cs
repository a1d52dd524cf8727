using System.Diagnostics;
using Npgsql;
using OrleansKms.Gateway.Hosting;
using OrleansKms.Tests.Cluster.Faults;
using OrleansKms.Tests.Cluster.Hsms;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Roots;

/// <summary>Changes of the root key of a cluster of real silos that goes on serving.</summary>
public sealed class RootClusterTests : IAsyncLifetime, IDisposable
{
    private readonly SoftHsm _hsm = new();
    private readonly TemporaryDirectory _directory = new();
    private ClusterProcesses _cluster = null!;

    public async Task InitializeAsync() => _cluster = await ClusterProcesses.Prepare(("OKMS_DRAIN_DELAY", "PT2S"));

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    public void Dispose()
    {
        _hsm.Dispose();
        _directory.Dispose();
    }

    /// <summary>
    /// The whole change, under load through a gateway: file to HSM, silo by silo, with a rotation of the KEK before and after, and a
    /// new root in the HSM in the end. No request fails.
    /// </summary>
    [Fact]
    [Trait("Category", "Faults")]
    public async Task UnderLoad_FileToHsm_AndANewRootThere_FailsNoRequest()
    {
        var silos = new ServiceProcess[] { await _cluster.StartSilo(ClusterProcesses.WithGateway), await _cluster.StartSilo(ClusterProcesses.WithGateway) };
        await _cluster.UntilActive(2);
        await using var gateway = ServiceProcess.LaunchGateway(
            _directory.Path, port: null, ("DATABASE_URL", _cluster.DatabaseUrl), ("OKMS_INSECURE_CLUSTER_NETWORK", "true"));
        await gateway.Until("/health/ready");
        await using var balancer = new Balancer(_cluster.Token, gateway.Port);
        await balancer.UntilReady(1);
        using var load = new ClusterLoad(balancer, "root", Random.Shared.Next());
        await load.Start();
        await load.UntilProgress(100);

        await Root(FileAndHsm, "add", "--create");
        await load.UntilProgress(50);

        // A KEK that is made now lacks the wrap by the HSM's root, until that is added again.
        await RootProgram.RotateKek(silos[0].Http);
        var early = _cluster.LaunchSilo(OwnHsm);
        Assert.Equal(StartGuard.Refused, await early.Exited());
        Assert.Contains("run okms root add with it again", Assert.Single(early.Errors), StringComparison.Ordinal);
        await Root(FileAndHsm, "add");
        await Root(FileAndHsm, "verify");
        await Roll(silos, load, OwnHsm);

        var file = await FileRoot();
        await Root(OwnHsm, "remove", file);
        File.Delete(Path.Combine(_cluster.DataDirectory, "root.key"));
        await RootProgram.RotateKek(silos[0].Http);
        await load.UntilProgress(100);

        var old = (await _cluster.Scalar("SELECT max(root_id) FROM okms_kek_wrap"))!.ToString()!;
        await Root(OwnHsm, "rotate");
        Assert.Contains($"runs on the root key {old}", await Refused(OwnHsm, "remove", old), StringComparison.Ordinal);
        await Roll(silos, load, OwnHsm);
        await Root(OwnHsm, "remove", old);
        await Root(OwnHsm, "destroy", old);
        await RootProgram.RotateKek(silos[0].Http);
        await load.UntilProgress(100);

        await load.StopAndVerify();
        Assert.Empty(load.Failures);
        Assert.Single(_hsm.KeyFiles);
    }

    [Fact]
    public async Task WhileSilosRunOnTwoRoots_NothingThatOneOfThemNeedsIsTakenAway_AndAKekThatOneCannotOpenHarmsNothing()
    {
        var first = await _cluster.StartSilo(ClusterProcesses.WithGateway);
        // While it is the only one, so that it is the one that rotates the KEK.
        await first.Http.Keks();
        await Root(FileAndHsm, "add", "--create");
        var second = await _cluster.StartSilo([ClusterProcesses.WithGateway, .. OwnHsm]);
        await _cluster.UntilActive(2);
        await first.Http.Create("kept");
        var (_, ciphertext) = await second.Http.Encrypt("kept", [1, 2, 3]);

        var file = await FileRoot();
        var hsm = (await _cluster.Scalar("SELECT root_id FROM okms_root"))!.ToString()!;
        Assert.Equal(1L, await _cluster.Scalar($"SELECT count(*) FROM okms_silo WHERE root_id = '{file}'"));
        Assert.Equal(1L, await _cluster.Scalar($"SELECT count(*) FROM okms_silo WHERE root_id = '{hsm}'"));
        Assert.Contains($"runs on the root key {file}", await Refused(OwnHsm, "remove", file), StringComparison.Ordinal);
        Assert.Contains($"runs on the root key {hsm}", await Refused([], "remove", hsm), StringComparison.Ordinal);
        Assert.Contains("Restart it first", await Refused(OwnHsm, "rotate"), StringComparison.Ordinal);
        foreach (var http in (HttpClient[])[first.Http, second.Http])
        {
            var refusal = await Assert.ThrowsAsync<UnexpectedAnswerException>(() => http.Post("/v1/admin/keks/rotate"));
            Assert.Equal("conflict", refusal.Code);
            Assert.Contains("The root key is being changed", refusal.Message, StringComparison.Ordinal);
        }

        Assert.Equal(1L, await _cluster.Scalar("SELECT count(*) FROM okms_kek"));

        // As by a silo that does not know of the other one: the KEK waits until the other's root key vouches for it, too, and while
        // they run on two, no further.
        await _cluster.Scalar($"UPDATE okms_silo SET root_id = NULL WHERE root_id = '{hsm}'");
        var made = (await first.Http.Post("/v1/admin/keks/rotate"))["id"]!.GetValue<string>();
        await second.UntilSaid($"the KEK {made} is in the table okms_kek and not in the manifest");
        await _cluster.Scalar($"UPDATE okms_silo SET root_id = '{hsm}' WHERE root_id IS NULL");
        Assert.Equal("new", (await second.Http.Keks()).Single(k => k.Id == made).State);
        await second.Http.Encrypt("kept", [4]);
        await Root(FileAndHsm, "add");
        await second.UntilSaid("The KEKs are again as the root key vouches for");
        Assert.Equal("new", (await first.Http.Keks()).Single(k => k.Id == made).State);

        Assert.Equal(0, await first.Stop());
        await RootProgram.UntilCurrent(second.Http, made);
        await second.Http.Encrypt("kept", [5]);
        await _cluster.Scalar("UPDATE okms_silo SET root_id = NULL");
        Assert.Contains("older program", await Refused(OwnHsm, "remove", file), StringComparison.Ordinal);
        await _cluster.Scalar($"UPDATE okms_silo SET root_id = '{hsm}'");
        await Root(OwnHsm, "remove", file);
        await RootProgram.RotateKek(second.Http);
        Assert.Equal([1, 2, 3], Assert.Single(await second.Http.DecryptAll("kept", [ciphertext])).Plaintext);
    }

    [Fact]
    public async Task AddKilledInTheMiddle_IsHarmless_AndIsTakenUp()
    {
        await using var source = NpgsqlDataSource.Create(_cluster.ConnectionString);
        await using (var connection = await source.OpenConnectionAsync())
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            // What is read may be read, and nothing be written: the command has made the key, and waits.
            await using var hold = new NpgsqlCommand("LOCK TABLE okms_kek_wrap IN SHARE MODE", connection, transaction);
            await hold.ExecuteNonQueryAsync();
            using var add = StartRoot(FileAndHsm, "add", "--create");
            using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
            while (await _cluster.Scalar("SELECT count(*) FROM pg_locks WHERE relation = 'okms_kek_wrap'::regclass AND NOT granted") is 0L)
            {
                Assert.False(add.HasExited, "The command ended before it wrote.");
                await Task.Delay(20, patience.Token);
            }

            add.Kill();
            await add.WaitForExitAsync(patience.Token);
        }

        Assert.Single(_hsm.KeyFiles);
        Assert.Equal(1L, await _cluster.Scalar("SELECT count(*) FROM okms_kek_wrap"));
        var listed = await Root(FileAndHsm, "list");
        Assert.Contains("0/1   made", listed, StringComparison.Ordinal);
        Assert.Equal(0, await (await _cluster.StartSilo()).Stop());

        await Root(FileAndHsm, "add", "--create");
        Assert.Single(_hsm.KeyFiles);
        Assert.Equal(1L, await _cluster.Scalar("SELECT count(*) FROM okms_root"));
        Assert.Equal(0, await (await _cluster.StartSilo(OwnHsm)).Stop());
    }

    [Fact]
    public async Task TwoAddsAndARotationOfTheKekAtOnce_EndWithEveryKekUnderBothRoots()
    {
        var silo = await _cluster.StartSilo(ClusterProcesses.WithGateway);

        await Task.WhenAll(Root(FileAndHsm, "add", "--create"), Root(FileAndHsm, "add", "--create"), RootProgram.RotateKek(silo.Http));
        await Root(FileAndHsm, "add");

        Assert.Single(_hsm.KeyFiles);
        Assert.Equal(4L, await _cluster.Scalar("SELECT count(*) FROM okms_kek_wrap"));
        await Root(FileAndHsm, "verify");
    }

    [Fact]
    public async Task MigrationThatIsMissing_IsNotAppliedByIt()
    {
        await _cluster.Scalar("DELETE FROM okms_migration WHERE scriptname LIKE '0008%'");
        Assert.Contains("lacks the migration 0008_roots.sql", await Refused([], "list"), StringComparison.Ordinal);
    }

    private (string Name, string? Value)[] OwnHsm => _hsm.Environment();

    private (string Name, string? Value)[] FileAndHsm =>
        [("SOFTHSM2_CONF", _hsm.Configuration), ("OKMS_OTHER_HSM_ADDRESS", _hsm.Address)];

    /// <summary>One silo after the other stops in good order and comes back with other settings.</summary>
    private async Task Roll(ServiceProcess[] silos, ClusterLoad load, (string Name, string? Value)[] settings)
    {
        for (var i = 0; i < silos.Length; i++)
        {
            Assert.Equal(0, await silos[i].Stop());
            silos[i] = await _cluster.StartSilo([ClusterProcesses.WithGateway, .. settings]);
            await _cluster.UntilActive(silos.Length);
            await load.UntilProgress(100);
        }
    }

    private async Task<string> FileRoot() =>
        (await _cluster.Scalar("SELECT min(root_id) FROM okms_kek_wrap WHERE root_id LIKE 'file:%'"))!.ToString()!;

    private async Task<string> Root((string Name, string? Value)[] environment, params string[] words)
    {
        var (code, output, errors) = await ServiceProcess.Command(_directory.Path, ["root", .. words], Environment(environment));
        Assert.True(code == 0, errors);
        return output;
    }

    private async Task<string> Refused((string Name, string? Value)[] environment, params string[] words)
    {
        var (code, output, errors) = await ServiceProcess.Command(_directory.Path, ["root", .. words], Environment(environment));
        Assert.True(code == StartGuard.Refused && output.Length == 0, $"{code}\n{output}\n{errors}");
        return Assert.Single(errors.Split('\n'), l => l.StartsWith("okms: ", StringComparison.Ordinal));
    }

    private Process StartRoot((string Name, string? Value)[] environment, params string[] words)
    {
        var info = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, ServiceProcess.Program), "root", .. words])
        {
            WorkingDirectory = _directory.Path,
        };
        ServiceProcess.RemoveSettings(info);
        foreach (var (name, value) in Environment(environment)) info.Environment[name] = value;
        return Process.Start(info)!;
    }

    private (string, string?)[] Environment((string Name, string? Value)[] more) =>
        [("DATABASE_URL", _cluster.DatabaseUrl), ("OKMS_DATA_DIR", _cluster.DataDirectory), ("OKMS_INSECURE_CLUSTER_NETWORK", "true"), .. more];
}
