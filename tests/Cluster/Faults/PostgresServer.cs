using System.Diagnostics;
using System.Globalization;
using Npgsql;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Faults;

/// <summary>A Postgres server of a test's own, which the test may stop and kill.</summary>
internal sealed class PostgresServer : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly string _data;
    private readonly string _programs;

    private readonly (string Namespace, string Address)? _network;

    private PostgresServer(string programs, (string, string)? network, string? place)
    {
        _programs = programs;
        _network = network;
        _data = Path.Combine(place ?? _directory.Path, "cluster");
        Port = ServiceProcess.FreePort();
    }

    private string Address => _network?.Address ?? "127.0.0.1";

    public int Port { get; }

    /// <summary>Whether it was started and neither stopped nor killed since.</summary>
    public bool IsStarted { get; private set; }

    /// <summary>How Npgsql reaches the database.</summary>
    public string ConnectionString => $"Host={Address};Port={Port};Username=okms;Database=postgres";

    /// <summary>How Npgsql reaches another database there as another role. There are no passwords.</summary>
    public string ConnectionTo(string database, string role) => $"Host={Address};Port={Port};Username={role};Password=none;Database={database}";

    /// <summary>How a silo is told of it.</summary>
    public string Url => string.Create(CultureInfo.InvariantCulture, $"postgres://okms@{Address}:{Port}/postgres");

    private static bool IsRoot => Environment.UserName == "root";

    /// <summary>Makes an empty cluster and starts it.</summary>
    /// <param name="network">A network namespace and the address there on which it listens; null for this machine's loopback.</param>
    /// <param name="place">The directory for its own; null for a temporary one.</param>
    public static async Task<PostgresServer> Create((string Namespace, string Address)? network = null, string? place = null)
    {
        var server = new PostgresServer(FindPrograms(), network, place);
        if (IsRoot)
        {
            // Postgres refuses to run as root.
            await Run("chmod", "711", server._directory.Path);
            Directory.CreateDirectory(server._data);
            await Run("chown", "postgres:", server._data);
        }

        await server.RunAsOwner("initdb", "-D", server._data, "-U", "okms", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8");
        if (network is not null)
        {
            // Nobody but the members of the test is in its namespaces.
            await File.AppendAllTextAsync(Path.Combine(server._data, "pg_hba.conf"), "host all all samenet trust\n");
        }

        await server.Start();
        return server;
    }

    /// <summary>Starts the server and waits until it takes connections, after a crash recovery if need be.</summary>
    /// <param name="setting">A setting of its own, as <c>name=value</c>.</param>
    public async Task Start(string setting = "fsync=on")
    {
        await RunAsOwner(
            "pg_ctl", "-D", _data, "-s", "-w", "-t", "60", "-l", Path.Combine(_data, "log"), "-o",
            string.Create(CultureInfo.InvariantCulture,
                $"-c listen_addresses={Address} -c port={Port} -c unix_socket_directories='' -c max_connections=200 -c {setting}"),
            "start");
        IsStarted = true;
    }

    /// <summary>Starts the server so that it takes TLS, with a certificate of its own.</summary>
    public async Task StartWithCertificate(MutualTlsFiles files)
    {
        var (certificate, key) = (Path.Combine(_data, "server.crt"), Path.Combine(_data, "server.key"));
        File.Copy(files.CertificateFile, certificate);
        File.Copy(files.KeyFile, key);
        if (IsRoot)
        {
            await Run("chown", "postgres:", certificate, key);
        }

        await Start("ssl=on");
    }

    /// <summary>Stops the server as an operator would: connections are ended, what is committed is on disk.</summary>
    public async Task Stop()
    {
        await RunAsOwner("pg_ctl", "-D", _data, "-s", "-w", "-m", "fast", "stop");
        IsStarted = false;
    }

    /// <summary>SIGSTOP: the server and all its processes stand still, with all connections open.</summary>
    public async Task Freeze()
    {
        // The one that would start others first.
        await Run("kill", "-STOP", Postmaster);
        await Run("kill", ["-STOP", .. await Children()]);
    }

    /// <summary>The end of <see cref="Freeze"/>.</summary>
    public async Task Thaw() => await Run("kill", ["-CONT", Postmaster, .. await Children()]);

    /// <summary>kill -9 of the server and all its processes.</summary>
    public async Task Kill()
    {
        IsStarted = false;
        var postmaster = Postmaster;
        var children = await Children();
        await Run("kill", ["-KILL", postmaster, .. children]);

        // The next start waits for nobody: what the killed processes held must be gone.
        while (Directory.Exists("/proc/" + postmaster) || children.Any(child => Directory.Exists("/proc/" + child)))
        {
            await Task.Delay(10);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (File.Exists(Path.Combine(_data, "postmaster.pid")))
        {
            await RunAsOwner("pg_ctl", "-D", _data, "-s", "-w", "-m", "immediate", "stop");
        }

        NpgsqlConnection.ClearAllPools();
        _directory.Dispose();
    }

    private string Postmaster => File.ReadLines(Path.Combine(_data, "postmaster.pid")).First().Trim();

    private async Task<string[]> Children() => (await Run("pgrep", "-P", Postmaster)).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static string FindPrograms() =>
        Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Order(StringComparer.Ordinal).Last() + "/bin"
            : throw new InvalidOperationException("PostgreSQL is not installed: run the tests by ./deploy/test.sh, which installs it.");

    private Task<string> RunAsOwner(string program, params string[] arguments)
    {
        string[] command = [Path.Combine(_programs, program), .. arguments];
        if (IsRoot)
        {
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", .. command];
        }

        if (_network is { } network)
        {
            command = ["ip", "netns", "exec", network.Namespace, .. command];
        }

        return Run(command[0], command[1..]);
    }

    // The server inherits what it is started with, so its output must not be a pipe that this process waits for the end of.
    private static async Task<string> Run(string program, params string[] arguments)
    {
        using var directory = new TemporaryDirectory();
        var output = directory.Of("output");
        var info = new ProcessStartInfo("sh", ["-c", "out=$1; shift; exec \"$@\" >\"$out\" 2>&1 </dev/null", "sh", output, program, .. arguments])
        {
            WorkingDirectory = "/",
        };
        using var process = Process.Start(info)!;
        await process.WaitForExitAsync();
        var said = await File.ReadAllTextAsync(output);
        return process.ExitCode == 0
            ? said
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {said}");
    }
}
