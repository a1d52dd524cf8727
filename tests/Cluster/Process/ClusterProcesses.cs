using System.Globalization;
using Npgsql;
using OrleansKms.Gateway.Hosting;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>
/// A cluster of real silos on one machine: processes of their own, a database of their own in the tests' Postgres, one root key
/// and one administrator. Everything ends with it.
/// </summary>
internal sealed class ClusterProcesses : IAsyncDisposable
{
    /// <summary>Makes the silo serve the whole HTTP interface.</summary>
    public static readonly (string Name, string? Value) WithGateway = ("OKMS_GATEWAY", "true");

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly TemporaryDirectory _directory = new();
    private readonly List<ServiceProcess> _processes = [];
    private readonly NpgsqlDataSource _source;
    private readonly (string Name, string? Value)[] _settings;
    private string? _token;

    private ClusterProcesses(string connectionString, (string Name, string? Value)[] settings)
    {
        ConnectionString = connectionString;
        DatabaseUrl = Postgres.Url(connectionString);
        _source = NpgsqlDataSource.Create(connectionString);
        _settings = settings;
    }

    /// <summary>How a test reaches the database, as Npgsql takes it.</summary>
    public string ConnectionString { get; }

    /// <summary>The same as DATABASE_URL takes it.</summary>
    public string DatabaseUrl { get; }

    /// <summary>The directory of the root key, which all silos share.</summary>
    public string DataDirectory => _directory.Of("okms-data");

    /// <summary>The administrator's token.</summary>
    public string Token => _token ?? throw new InvalidOperationException("This cluster was made without an administrator.");

    /// <summary>Every process that was started, also those that have ended, in the order of their starts.</summary>
    public IReadOnlyList<ServiceProcess> Processes => _processes;

    /// <summary>Makes the database and the administrator, and starts no silo.</summary>
    /// <param name="settings">What all silos are set to, besides what makes them a cluster.</param>
    public static Task<ClusterProcesses> Prepare(params (string Name, string? Value)[] settings) => Prepare(ServiceProcess.Program, settings);

    /// <summary>The same by another build of the silo.</summary>
    public static async Task<ClusterProcesses> Prepare(string program, params (string Name, string? Value)[] settings)
    {
        var cluster = Empty(await Postgres.NewDatabase(), settings);
        try
        {
            var (code, output, errors) = await cluster.CommandOf(program, "create-administrator");
            Assert.True(code == 0, errors);
            cluster._token = output.Trim();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>A cluster on a database that is there, with no administrator made and no silo started.</summary>
    public static ClusterProcesses Empty(string connectionString, params (string Name, string? Value)[] settings) =>
        new(connectionString, settings);

    /// <summary>Makes a cluster and starts silos, all at once, each with a gateway; waits until every one is an active member.</summary>
    public static async Task<ClusterProcesses> Start(int silos, params (string Name, string? Value)[] settings)
    {
        var cluster = await Prepare(settings);
        try
        {
            await Task.WhenAll(Enumerable.Range(0, silos).Select(_ => cluster.StartSilo(WithGateway)));
            await cluster.UntilActive(silos);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>What a silo of this cluster is set to.</summary>
    public IReadOnlyDictionary<string, string?> Settings => Environment([]);

    /// <summary>Runs one of the silo's commands with the cluster's settings.</summary>
    public Task<(int Code, string Output, string Errors)> Command(params string[] arguments) => CommandOf(ServiceProcess.Program, arguments);

    private Task<(int Code, string Output, string Errors)> CommandOf(string program, params string[] arguments) =>
        ServiceProcess.CommandOf(program, _directory.Path, arguments, Environment([]));

    /// <summary>Starts one more silo and waits until it is healthy and, if it has a gateway, lets the administrator in.</summary>
    public Task<ServiceProcess> StartSilo(params (string Name, string? Value)[] settings) => StartSilo(ServiceProcess.Program, settings);

    /// <summary>The same with another build of the silo.</summary>
    public async Task<ServiceProcess> StartSilo(string program, params (string Name, string? Value)[] settings)
    {
        while (true)
        {
            var silo = LaunchSilo(program, settings);
            try
            {
                await silo.UntilHealthy();
                if (_token is not null && settings.Contains(WithGateway)) await UntilSignedIn(silo);
                return silo;
            }
            catch (Exception) when (LostItsPort(silo))
            {
                // Somebody took a port between the choice and the start; others are chosen.
                lock (_processes) _processes.Remove(silo);
                await silo.DisposeAsync();
            }
        }
    }

    /// <summary>Starts one more silo without waiting for anything.</summary>
    public ServiceProcess LaunchSilo(params (string Name, string? Value)[] settings) => LaunchSilo(ServiceProcess.Program, settings);

    /// <summary>The same with another build of the silo.</summary>
    public ServiceProcess LaunchSilo(string program, params (string Name, string? Value)[] settings)
    {
        var silo = ServiceProcess.Launch(_directory.Path, ServiceProcess.FreePort(), program, Environment(settings));
        lock (_processes) _processes.Add(silo);
        return silo;
    }

    /// <summary>Waits until the membership table has exactly so many active silos, of those that still give signs of life.</summary>
    public async Task UntilActive(int silos)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (await Active() != silos)
        {
            Assert.False(patience.IsCancellationRequested, $"There are {await Active()} active silos, not {silos}.\n{this}");
            await Task.Delay(50);
        }
    }

    /// <summary>How many silos the membership table has as active.</summary>
    public async Task<long> Active() => (long)(await Scalar("SELECT count(*) FROM okms_membership WHERE status = 3"))!;

    /// <summary>Asks the database.</summary>
    public async Task<object?> Scalar(string text)
    {
        await using var command = _source.CreateCommand(text);
        return await command.ExecuteScalarAsync();
    }

    /// <summary>Repeats a call until it succeeds, as a client would while the cluster finds out that a silo is gone.</summary>
    public static async Task<T> Until<T>(Func<Task<T>> call)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                return await call();
            }
            catch (Exception e) when (e is UnexpectedAnswerException or HttpRequestException && !patience.IsCancellationRequested)
            {
                await Task.Delay(50);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes) await process.DisposeAsync();
        await _source.DisposeAsync();
        await Postgres.DropDatabase(ConnectionString);
        _directory.Dispose();
    }

    /// <summary>Everything that all processes said, for the message of a failed test.</summary>
    public override string ToString() => string.Join('\n', _processes.Select((p, i) => $"--- silo {i}\n{p}"));

    // What makes the silos one cluster, then what all of them, then what this one is set to.
    private Dictionary<string, string?> Environment(IEnumerable<(string Name, string? Value)> settings)
    {
        var environment = new Dictionary<string, string?>
        {
            ["DATABASE_URL"] = DatabaseUrl,
            ["OKMS_DATA_DIR"] = DataDirectory,
            ["OKMS_SILO_PORT"] = Text(ServiceProcess.FreePort()),
            ["OKMS_CLIENT_PORT"] = Text(ServiceProcess.FreePort()),
        };
        environment["OKMS_MIN_DELETION_DELAY"] = "PT0S";
        foreach (var (name, value) in _settings.Concat(settings)) environment[name] = value;
        if (!environment.ContainsKey("OKMS_TLS_CA")) environment.TryAdd("OKMS_INSECURE_CLUSTER_NETWORK", "true");
        return environment;
    }

    private async Task UntilSignedIn(ServiceProcess silo)
    {
        silo.SignIn(Token);
        await Until(async () =>
        {
            return await silo.Http.Send(HttpMethod.Get, "/v1/keys?limit=1");
        });
    }

    private static bool LostItsPort(ServiceProcess silo) =>
        silo.ExitCode == StartGuard.Refused && silo.Errors.Any(e => e.Contains("is in use", StringComparison.Ordinal));

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
