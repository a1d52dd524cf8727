using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;

namespace OrleansKms.Tests.Bench;

/// <summary>
/// Creates many keys over HTTP, lists them, and uses each of them once, so that each must be read from the database. By threads that block,
/// one for each connection; at a fixed rate, latencies count from when a request was due.
/// </summary>
internal sealed class KeyLoad
{
    private const int ManyAtOnce = 100;

    private static readonly string _plaintext = Convert.ToBase64String(new byte[1024]);

    private readonly Uri _url;
    private readonly string _token;
    private readonly IPEndPoint _server;
    private readonly Dictionary<string, string> _options;
    private readonly List<double> _latencies = [];
    private long _failed;

    private KeyLoad(Uri url, string token, Dictionary<string, string> options)
    {
        (_url, _token, _options) = (url, token, options);
        _server = new(IPAddress.Parse(url.Host), url.Port);
    }

    /// <param name="arguments">
    /// create, create-many, encrypt, decrypt or list; the service's URL; a token; then NAME=VALUE: first and count of the keys' numbers
    /// (0, 1000), connections (32), seconds at most, rate (a second; 0 for as fast as they are answered), shuffle (yes to take the numbers
    /// at random), use (how many of them), file (where an encryption leaves ciphertexts, and a decryption finds them).
    /// </param>
    public static void Run(string[] arguments)
    {
        var options = arguments[3..].Select(argument => argument.Split('=', 2)).ToDictionary(parts => parts[0], parts => parts[1], StringComparer.Ordinal);
        var load = new KeyLoad(new(arguments[1]), arguments[2], options);
        switch (arguments[0])
        {
            case "list":
                load.List();
                break;
            case "decrypt":
                load.Send([.. File.ReadLines(options["file"]).Select(ciphertext => load.Request("/decrypt", $$"""{"ciphertext":"{{ciphertext}}"}"""))], 1, null);
                break;
            case "encrypt":
                load.Encrypt();
                break;
            case "create":
                load.Send([.. load.Numbers().Select(number => load.Request("/v1/keys", $$"""{"id":"{{Id(number)}}"}"""))], 1, null);
                break;
            case "create-many":
                load.Send(
                    [.. load.Numbers().Chunk(ManyAtOnce).Select(numbers => load.Request("/v1/keys", JsonSerializer.Serialize(new { items = numbers.Select(number => new { id = Id(number) }) })))],
                    ManyAtOnce, null);
                break;
            default:
                throw new ArgumentException(arguments[0]);
        }
    }

    private static string Id(int number) => string.Create(CultureInfo.InvariantCulture, $"bench.row.{number:D8}");

    private int Option(string name, int byDefault) =>
        _options.TryGetValue(name, out var value) ? int.Parse(value, CultureInfo.InvariantCulture) : byDefault;

    private int[] Numbers()
    {
        var numbers = Enumerable.Range(Option("first", 0), Option("count", 1000)).ToArray();
        if (_options.ContainsKey("shuffle")) new Random(1).Shuffle(numbers);
        return numbers[..Math.Min(numbers.Length, Option("use", int.MaxValue))];
    }

    private Func<byte[]> Request(string path, string body) => () => HttpSocket.Post(_url, path, _token, Encoding.ASCII.GetBytes(body));

    private void Encrypt()
    {
        Func<byte[]>[] requests = [.. Numbers().Select(number => Request("/encrypt", $$"""{"key_id":"{{Id(number)}}","plaintext":"{{_plaintext}}"}"""))];
        if (!_options.TryGetValue("file", out var file))
        {
            Send(requests, 1, null);
            return;
        }

        var ciphertexts = new List<string>();
        Send(requests, 1, answer =>
        {
            using var json = JsonDocument.Parse(answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..]);
            var ciphertext = json.RootElement.GetProperty("ciphertext").GetString()!;
            lock (ciphertexts) ciphertexts.Add(ciphertext);
        });
        File.WriteAllLines(file, ciphertexts);
    }

    /// <summary>Sends the requests, each once, over all connections.</summary>
    private void Send(Func<byte[]>[] requests, int keysEach, Action<string>? read)
    {
        var (connections, rate) = (Option("connections", 32), Option("rate", 0));
        var time = TimeSpan.FromSeconds(Option("seconds", 24 * 3600));
        var (next, done) = (-1, 0);
        var began = Stopwatch.GetTimestamp();
        var threads = Enumerable.Range(0, connections).Select(_ => new Thread(() =>
        {
            using var socket = new HttpSocket(_server, keysEach == 1 ? 64 * 1024 : 1 << 20);
            var own = new List<double>();
            for (int i; (i = Interlocked.Increment(ref next)) < requests.Length && Stopwatch.GetElapsedTime(began) < time;)
            {
                var request = requests[i]();
                var due = Stopwatch.GetTimestamp();
                if (rate > 0)
                {
                    var planned = began + (long)((double)i / rate * Stopwatch.Frequency);
                    if (planned > due) Thread.Sleep(Stopwatch.GetElapsedTime(due, planned));
                    due = Math.Min(planned, Stopwatch.GetTimestamp());
                }

                if (!socket.Ask(request))
                {
                    Interlocked.Increment(ref _failed);
                    continue;
                }

                own.Add(Stopwatch.GetElapsedTime(due).TotalMilliseconds);
                Interlocked.Increment(ref done);
                read?.Invoke(Encoding.ASCII.GetString(socket.Answer));
            }

            lock (_latencies) _latencies.AddRange(own);
        })).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        Print(done * keysEach, Stopwatch.GetElapsedTime(began));
    }

    private void List()
    {
        using var socket = new HttpSocket(_server, 4 << 20);
        var (keys, began, cursor) = (0, Stopwatch.GetTimestamp(), "");
        while (true)
        {
            var asked = Stopwatch.GetTimestamp();
            if (!socket.Ask(HttpSocket.Get(_url, $"/v1/keys?prefix=bench.row.&limit=1000{cursor}", _token))) throw new InvalidOperationException(HttpSocket.FirstFailure);
            _latencies.Add(Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
            using var page = JsonDocument.Parse(socket.Answer[(socket.Answer.IndexOf("\r\n\r\n"u8) + 4)..].ToArray());
            keys += page.RootElement.GetProperty("keys").GetArrayLength();
            if (!page.RootElement.TryGetProperty("next_cursor", out var next)) break;
            cursor = "&cursor=" + Uri.EscapeDataString(next.GetString()!);
        }

        Print(keys, Stopwatch.GetElapsedTime(began));
    }

    // The first three words are for scripts: keys, seconds, failures.
    private void Print(int keys, TimeSpan took)
    {
        var sorted = _latencies.Order().ToArray();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{keys} {took.TotalSeconds:F2} {_failed}  {keys / took.TotalSeconds:F0}/s  p50 {At(sorted, 0.5):F1} ms, p90 {At(sorted, 0.9):F1}, p99 {At(sorted, 0.99):F1}, p99.9 {At(sorted, 0.999):F1}, greatest {sorted.LastOrDefault():F1}"));
        if (HttpSocket.FirstFailure is { } failure) Console.WriteLine($"the first failure: {failure}");
    }

    private static double At(double[] sorted, double quantile) =>
        sorted.Length == 0 ? double.NaN : sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * quantile))];
}
