using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>The built program, as a silo or a gateway, in a process of its own, on a free port.</summary>
internal sealed class ServiceProcess : IAsyncDisposable
{
    /// <summary>The program; without arguments it is a silo.</summary>
    public const string Program = "okms.dll";

    private static readonly string[] _asGateway = ["gateway"];

    /// <summary>How long a test waits for what must come.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static readonly ConcurrentDictionary<int, bool> _givenPorts = new();

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly ConcurrentQueue<string> _errors = new();

    private ServiceProcess(string workingDirectory, int port, IEnumerable<string> program, IReadOnlyDictionary<string, string?> environment)
        : this(workingDirectory, port, StartInfo(workingDirectory, program, WithPort(environment, port)), new SocketsHttpHandler())
    {
    }

    private ServiceProcess(string workingDirectory, int port, ProcessStartInfo start, HttpMessageHandler handler)
    {
        WorkingDirectory = workingDirectory;
        Port = port;
        Http = new HttpClient(handler) { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = Patience };
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Keep(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(_errors, line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string WorkingDirectory { get; }

    public string DataDirectory => Path.Combine(WorkingDirectory, "okms-data");

    public int Port { get; }

    public int Id => _process.Id;

    /// <summary>The exit code; null while the process runs.</summary>
    public int? ExitCode => _process.HasExited ? _process.ExitCode : null;

    public HttpClient Http { get; }

    public string Token => File.ReadAllText(Path.Combine(DataDirectory, "admin.token")).Trim();

    public IReadOnlyCollection<string> Output => _output;

    public IReadOnlyCollection<string> Errors => _errors;

    /// <summary>
    /// Starts the service without waiting for anything; without the dashboard, which costs a quarter of a start, unless it is asked
    /// for. A setting of null is as if it were not given.
    /// </summary>
    public static ServiceProcess Launch(string workingDirectory, int? port = null, params (string Name, string? Value)[] environment)
    {
        var settings = environment.ToDictionary(e => e.Name, e => e.Value);
        settings.TryAdd("OKMS_DASHBOARD", "false");
        // What takes long here takes long because of the machine.
        settings.TryAdd("OKMS_REQUEST_TIMEOUT", "PT1M");
        settings.TryAdd("OKMS_MIN_DELETION_DELAY", "PT0S");
        return new(workingDirectory, port ?? FreePort(), [ProgramPath(Program)], settings);
    }

    /// <summary>Starts a gateway without waiting for anything.</summary>
    public static ServiceProcess LaunchGateway(string workingDirectory, int? port = null, params (string Name, string? Value)[] environment) =>
        new(workingDirectory, port ?? FreePort(), [ProgramPath(Program), .. _asGateway], environment.ToDictionary(e => e.Name, e => e.Value));

    /// <summary>Starts a silo of a build without waiting for anything.</summary>
    public static ServiceProcess Launch(
        string workingDirectory, int port, string program, IReadOnlyDictionary<string, string?> environment) =>
        new(workingDirectory, port, [ProgramPath(program)], environment);

    /// <summary>Starts a silo, or a command of it, in a network namespace, with its HTTP interface on a Unix socket, which crosses namespaces.</summary>
    public static ServiceProcess LaunchIn(
        string networkNamespace, string workingDirectory, string socket, IReadOnlyDictionary<string, string?> environment,
        params string[] command)
    {
        var start = StartInfo(workingDirectory, [ProgramPath(Program), .. command], new Dictionary<string, string?>(environment)
        {
            ["Kestrel__Endpoints__Http__Url"] = "http://unix:" + socket,
        });
        start.ArgumentList.Insert(0, start.FileName);
        start.ArgumentList.Insert(0, networkNamespace);
        start.ArgumentList.Insert(0, "exec");
        start.ArgumentList.Insert(0, "netns");
        start.FileName = "ip";
        return new(workingDirectory, 80, start, UnixSocket.Handler(socket));
    }

    /// <summary>Runs one of the silo's commands to its end.</summary>
    public static Task<(int Code, string Output, string Errors)> Command(
        string workingDirectory, IReadOnlyList<string> arguments, params (string Name, string? Value)[] environment) =>
        CommandOf(Program, workingDirectory, arguments, environment.ToDictionary(e => e.Name, e => e.Value));

    /// <summary>The same with another build of the silo.</summary>
    public static async Task<(int Code, string Output, string Errors)> CommandOf(
        string program, string workingDirectory, IReadOnlyList<string> arguments, Dictionary<string, string?> environment)
    {
        using var process = Process.Start(StartInfo(workingDirectory, [ProgramPath(program), .. arguments], environment))!;
        using var patience = new CancellationTokenSource(Patience);
        var output = process.StandardOutput.ReadToEndAsync(patience.Token);
        var errors = process.StandardError.ReadToEndAsync(patience.Token);
        await process.WaitForExitAsync(patience.Token);
        return (process.ExitCode, await output, await errors);
    }

    /// <summary>Starts the service, waits until it is healthy, and signs in with its token.</summary>
    public static async Task<ServiceProcess> Start(string workingDirectory, params (string Name, string? Value)[] environment)
    {
        var service = Launch(workingDirectory, port: null, environment);
        try
        {
            await service.UntilHealthy();
            service.SignIn(service.Token);
            return service;
        }
        catch
        {
            await service.DisposeAsync();
            throw;
        }
    }

    /// <summary>A port that nobody has, that no other caller was given, and that is none of those that the kernel hands out.</summary>
    public static int FreePort()
    {
        while (true)
        {
            var port = Random.Shared.Next(10_000, 20_000);
            if (!_givenPorts.TryAdd(port, true)) continue;
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody has it.
            }
        }
    }

    /// <summary>kill -9: no handler runs, nothing is flushed.</summary>
    public async Task Kill()
    {
        _process.Kill();
        await Exited();
    }

    /// <summary>SIGTERM, and the wait for the end.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> Stop()
    {
        Terminate();
        return await Exited();
    }

    /// <summary>SIGTERM.</summary>
    public void Terminate() => Signal("TERM");

    /// <summary>SIGSTOP: the process stands still, with all its connections open.</summary>
    public void Freeze() => Signal("STOP");

    /// <summary>SIGCONT: the process goes on and does not know that it stood still.</summary>
    public void Thaw() => Signal("CONT");

    /// <summary>Signs in with a token.</summary>
    public void SignIn(string token) => Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);

    /// <summary>Waits until a line of the output holds a text.</summary>
    public async Task UntilSaid(string text)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!_output.Any(line => line.Contains(text, StringComparison.Ordinal)))
        {
            Assert.False(_process.HasExited || patience.IsCancellationRequested, $"The service did not say {text}.\n{this}");
            await Task.Delay(20);
        }
    }

    /// <summary>Waits for the end of the process and of its output.</summary>
    public async Task<int> Exited()
    {
        using var patience = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(patience.Token);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }
        _process.Dispose();
    }

    /// <summary>Everything that the process said, for the message of a failed test.</summary>
    public override string ToString() =>
        $"output:\n{string.Join('\n', _output)}\nerrors:\n{string.Join('\n', _errors)}";

    /// <summary>Waits until the process says that every part works; fails when it ends before.</summary>
    public Task UntilHealthy() => Until("/health");

    /// <summary>Waits until a path answers well; fails when the process ends before.</summary>
    public async Task Until(string path)
    {
        var waiting = Stopwatch.StartNew();
        while (waiting.Elapsed < Patience)
        {
            if (_process.HasExited)
            {
                await Exited();
                Assert.Fail($"The service ended with {_process.ExitCode}.\n{this}");
            }
            try
            {
                using var answer = await Http.GetAsync(path);
                if (answer.IsSuccessStatusCode) return;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            await Task.Delay(20);
        }
        Assert.Fail($"{path} did not answer well.\n{this}");
    }

    /// <summary>Sends a signal.</summary>
    /// <param name="name">Its name, without SIG.</param>
    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }

    /// <summary>Where a program is that this build has made.</summary>
    public static string ProgramPath(string program) => Path.Combine(AppContext.BaseDirectory, program);

    private static Dictionary<string, string?> WithPort(IReadOnlyDictionary<string, string?> environment, int port)
    {
        var withPort = new Dictionary<string, string?>(environment);
        withPort.TryAdd("PORT", port.ToString(CultureInfo.InvariantCulture));
        return withPort;
    }

    private static ProcessStartInfo StartInfo(
        string workingDirectory, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> environment)
    {
        var info = new ProcessStartInfo("dotnet", arguments)
        {
            WorkingDirectory = workingDirectory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // The service gets its own settings only, not those of whoever runs the tests.
        RemoveSettings(info);
        foreach (var (name, value) in environment) info.Environment[name] = value;
        return info;
    }

    /// <summary>Takes from a process the settings of whoever runs the tests.</summary>
    public static void RemoveSettings(ProcessStartInfo info)
    {
        foreach (var name in info.Environment.Keys.Where(IsSetting).ToList()) info.Environment.Remove(name);
    }

    private static bool IsSetting(string name) =>
        name is "PORT" or "DATABASE_URL" or "DATABASE_URL_FILE" or "LOG_LEVEL" or "HSM_ADDRESS"
        || name.StartsWith("OKMS_", StringComparison.Ordinal) || name.StartsWith("OTEL_", StringComparison.Ordinal) || name.StartsWith("ASPNETCORE_", StringComparison.Ordinal);

    private static void Keep(ConcurrentQueue<string> lines, string? line)
    {
        if (line is not null) lines.Enqueue(line);
    }
}
