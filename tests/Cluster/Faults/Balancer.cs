using System.Net.Http.Headers;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Faults;

/// <summary>
/// What stands before the gateways of a real installation: asks each whether it is ready, ten times a second, and sends
/// requests only where it is.
/// </summary>
internal sealed class Balancer : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Backend[] _backends;
    private readonly Task _probing;
    private uint _next;

    /// <summary>Stands before gateways on ports of this machine.</summary>
    public Balancer(string token, params int[] ports)
        : this(ports.Select(port => new Backend(new Uri($"http://127.0.0.1:{port}"), () => new SocketsHttpHandler(), token)))
    {
    }

    /// <summary>Stands before gateways on Unix sockets.</summary>
    public Balancer(string token, IEnumerable<string> sockets)
        : this(sockets.Select(socket => new Backend(new Uri("http://okms"), () => UnixSocket.Handler(socket), token)))
    {
    }

    private Balancer(IEnumerable<Backend> backends)
    {
        _backends = [.. backends];
        _probing = Task.WhenAll(_backends.Select(Probe));
    }

    /// <summary>A gateway that is ready; when none is, as on a machine too busy to answer, the one that was last.</summary>
    public HttpClient Next()
    {
        for (var i = 0; i < _backends.Length; i++)
        {
            var backend = _backends[Interlocked.Increment(ref _next) % (uint)_backends.Length];
            if (backend.IsReady)
            {
                return backend.Http;
            }
        }

        return _backends.MaxBy(b => b.LastReady)!.Http;
    }

    /// <summary>Every gateway, ready or not.</summary>
    public IEnumerable<HttpClient> All => _backends.Select(b => b.Http);

    /// <summary>Waits until so many gateways are ready.</summary>
    public async Task UntilReady(int count)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (_backends.Count(b => b.IsReady) < count)
        {
            await Task.Delay(50, patience.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _probing;
        foreach (var backend in _backends)
        {
            backend.Http.Dispose();
        }

        _stop.Dispose();
    }

    private async Task Probe(Backend backend)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
                timeout.CancelAfter(TimeSpan.FromSeconds(1));
                using var answer = await backend.Probes.GetAsync("/health/ready", timeout.Token);
                backend.IsReady = answer.IsSuccessStatusCode;
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                backend.IsReady = false;
            }

            await Task.Delay(100);
        }
    }

    private sealed class Backend(Uri address, Func<HttpMessageHandler> handler, string token)
    {
        private volatile bool _isReady;
        private long _lastReady;

        public HttpClient Http { get; } = new(handler())
        {
            BaseAddress = address,
            Timeout = TimeSpan.FromSeconds(30),
            DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", token) },
        };

        public HttpClient Probes { get; } = new(handler()) { BaseAddress = address };

        public bool IsReady
        {
            get => _isReady;
            set
            {
                _isReady = value;
                if (value)
                {
                    Volatile.Write(ref _lastReady, Environment.TickCount64);
                }
            }
        }

        /// <summary>When it was last seen ready, in milliseconds of the machine.</summary>
        public long LastReady => Volatile.Read(ref _lastReady);
    }
}
