using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using OrleansKms.Grains.Storage;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Storage;

/// <summary>A start by way of PgBouncer.</summary>
public sealed class PoolerTests
{
    [Theory]
    [InlineData("transaction")]
    [InlineData("statement")]
    public async Task LentSessions_AreRefused(string mode)
    {
        await using var pooler = await PgBouncer.Start(mode, "options");
        var refusal = await Assert.ThrowsAsync<StartRefusedException>(() => Prepare(pooler.ConnectionString));
        Assert.Contains("PgBouncer", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("pool_mode = session", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    [Fact]
    public async Task PoolerThatTakesNoOptions_IsNamed()
    {
        await using var pooler = await PgBouncer.Start("transaction", "extra_float_digits");
        var refusal = await Assert.ThrowsAsync<StartRefusedException>(() => Prepare(pooler.ConnectionString));
        Assert.Contains("ignore_startup_parameters = options", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    [Fact]
    public async Task SessionsOfTheirOwn_AreTaken()
    {
        await using var pooler = await PgBouncer.Start("session", "options");
        await Prepare(pooler.ConnectionString);
        await Prepare(Postgres.ConnectionString);
    }

    private static async Task Prepare(string connectionString)
    {
        using var database = new PostgresDatabase(
            new() { ConnectionString = connectionString, DataDirectory = "unused" }, TimeProvider.System, NullLogger<PostgresDatabase>.Instance);
        await database.Prepare(CancellationToken.None);
    }

    /// <summary>A PgBouncer of a test's own before the Postgres of all tests.</summary>
    private sealed class PgBouncer : IAsyncDisposable
    {
        private const string Program = "/usr/sbin/pgbouncer";

        private readonly Processes.TemporaryDirectory _directory = new();
        private readonly int _port = ServiceProcess.FreePort();
        private Process? _process;

        public string ConnectionString => new NpgsqlConnectionStringBuilder(Postgres.ConnectionString) { Port = _port, Pooling = false }.ConnectionString;

        public static async Task<PgBouncer> Start(string mode, string ignored)
        {
            var pooler = new PgBouncer();
            var to = new NpgsqlConnectionStringBuilder(Postgres.ConnectionString);
            var users = pooler._directory.Of("users");
            await File.WriteAllTextAsync(users, $"\"{to.Username}\" \"{to.Password}\"\n");
            await File.WriteAllTextAsync(pooler._directory.Of("pgbouncer.ini"), string.Create(CultureInfo.InvariantCulture, $"""
                [databases]
                * = host={to.Host} port={to.Port}
                [pgbouncer]
                listen_addr = 127.0.0.1
                listen_port = {pooler._port}
                unix_socket_dir =
                auth_type = plain
                auth_file = {users}
                pool_mode = {mode}
                ignore_startup_parameters = {ignored}
                """));
            await pooler.Run();
            return pooler;
        }

        public async ValueTask DisposeAsync()
        {
            _process!.Kill();
            await _process.WaitForExitAsync();
            _process.Dispose();
            _directory.Dispose();
        }

        private async Task Run()
        {
            Assert.True(File.Exists(Program), "PgBouncer is not installed: run the tests by ./deploy/test.sh, which installs it.");
            string[] command = [Program, "-q", _directory.Of("pgbouncer.ini")];
            if (Environment.UserName == "root")
            {
                // It refuses to run as root, and the files are root's.
                command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", .. command];
                using var own = Process.Start("chown", ["-R", "postgres:", _directory.Path]);
                await own.WaitForExitAsync();
            }

            _process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true })!;
            _ = _process.StandardError.ReadToEndAsync();
            var waiting = Stopwatch.StartNew();
            while (true)
            {
                Assert.False(_process.HasExited || waiting.Elapsed > ServiceProcess.Patience, "PgBouncer did not start.");
                try
                {
                    using var probe = new System.Net.Sockets.TcpClient();
                    await probe.ConnectAsync(System.Net.IPAddress.Loopback, _port);
                    return;
                }
                catch (System.Net.Sockets.SocketException)
                {
                    await Task.Delay(20);
                }
            }
        }
    }
}
