using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace OrleansKms.Tests.Bench;

/// <summary>
/// Sends one POST again and again at a fixed rate, whether or not the answers keep up, and measures each latency from the time at
/// which the request was due: a server that stands still for a second is late with all that was due meanwhile. By threads that
/// block, one for each connection, so that nothing in the loader competes; and it first loads a stand-in in its own process, so
/// that what is compiled late is not its own code.
/// </summary>
internal static class PacedLoad
{
    private const int Connections = 32;
    private static readonly TimeSpan _warmUp = TimeSpan.FromSeconds(3);

    /// <param name="url">Where to POST.</param>
    /// <param name="token">The bearer token.</param>
    /// <param name="bodyFile">The body.</param>
    /// <param name="rate">Requests a second.</param>
    /// <param name="seconds">How long.</param>
    /// <param name="goFile">A file that is waited for after the loader's own warm-up; created by whoever has started the server.</param>
    public static void Run(Uri url, string token, string bodyFile, int rate, int seconds, string? goFile)
    {
        var body = File.ReadAllBytes(bodyFile);
        var request = HttpSocket.Post(url, url.AbsolutePath, token, body);
        using (var standIn = new StandIn(request.Length))
        {
            Load(standIn.EndPoint, request, rate, _warmUp);
        }

        while (goFile is not null && !File.Exists(goFile)) Thread.Sleep(1);
        var latencies = Load(new(IPAddress.Parse(url.Host), url.Port), request, rate, TimeSpan.FromSeconds(seconds));
        var sorted = latencies.Where(l => l.Milliseconds >= 0).Select(l => l.Milliseconds).Order().ToArray();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{latencies.Count} due, {latencies.Count - sorted.Length} failed, p50 {At(sorted, 0.5):F1} ms, p90 {At(sorted, 0.9):F1}, p99 {At(sorted, 0.99):F1}, p99.9 {At(sorted, 0.999):F1}, greatest {sorted.LastOrDefault():F1}"));
        var bySecond = latencies.GroupBy(l => (int)l.Due).OrderBy(g => g.Key)
            .Select(g => At([.. g.Where(l => l.Milliseconds >= 0).Select(l => l.Milliseconds).Order()], 0.99).ToString("F1", CultureInfo.InvariantCulture));
        if (HttpSocket.FirstFailure is { } failure) Console.WriteLine($"the first failure: {failure}");
        Console.WriteLine($"p99 of each second: {string.Join(", ", bySecond)}");
    }

    private static double At(double[] sorted, double quantile) =>
        sorted.Length == 0 ? double.NaN : sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * quantile))];

    private static List<(double Due, double Milliseconds)> Load(IPEndPoint server, byte[] request, int rate, TimeSpan time)
    {
        var count = (int)(rate * time.TotalSeconds);
        var start = Stopwatch.GetTimestamp() + Stopwatch.Frequency / 50;
        var all = new List<(double, double)>(count);
        var threads = Enumerable.Range(0, Connections).Select(connection => new Thread(() =>
        {
            var own = new List<(double, double)>(count / Connections + 1);
            using var socket = new HttpSocket(server);
            for (var i = connection; i < count; i += Connections)
            {
                var due = start + (long)((double)i / rate * Stopwatch.Frequency);
                var wait = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
                // It sleeps whole milliseconds, so a request may leave a little early.
                if (wait > TimeSpan.Zero) Thread.Sleep(wait);
                due = Math.Min(due, Stopwatch.GetTimestamp());
                var good = socket.Ask(request);
                own.Add(((double)i / rate, good ? Stopwatch.GetElapsedTime(due).TotalMilliseconds : -1));
            }

            lock (all) all.AddRange(own);
        })).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        return all;
    }

    /// <summary>Answers requests of one length, so that the loader has run before it counts.</summary>
    private sealed class StandIn : IDisposable
    {
        private static readonly byte[] _answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"u8.ToArray();
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        public StandIn(int requestLength)
        {
            _listener.Start();
            new Thread(() => Accept(requestLength)) { IsBackground = true }.Start();
        }

        public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

        public void Dispose() => _listener.Dispose();

        private void Accept(int requestLength)
        {
            try
            {
                while (true)
                {
                    var socket = _listener.AcceptSocket();
                    new Thread(() => Serve(socket, requestLength)) { IsBackground = true }.Start();
                }
            }
            catch (SocketException)
            {
                // The end.
            }
        }

        private static void Serve(Socket socket, int requestLength)
        {
            var buffer = new byte[requestLength];
            for (int have = 0, read; (read = socket.Receive(buffer, have, requestLength - have, SocketFlags.None)) > 0;)
            {
                have = (have + read) % requestLength;
                if (have == 0) socket.Send(_answer);
            }

            socket.Dispose();
        }
    }
}
