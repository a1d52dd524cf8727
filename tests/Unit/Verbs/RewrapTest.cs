using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using OrleansKms.Silo.Verbs;
using OrleansKms.Silo.Verbs.Rewrap;

namespace OrleansKms.Tests.Unit.Verbs;

/// <summary>Runs of rewrap in a folder of their own, against a service that is made up.</summary>
public abstract class RewrapTest : IDisposable
{
    private protected string Folder { get; } = Directory.CreateTempSubdirectory("okms-test-").FullName;

    private protected ImpatientTime Time { get; } = new();

    private protected ConcurrentQueue<(string Path, int Items)> Calls { get; } = new();

    private protected string Output => Of("out.jsonl");

    private protected string Report => Of("report.jsonl");

    public void Dispose()
    {
        Directory.Delete(Folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private protected static string Line(int number, string before = "", string key = "k", byte version = 1) =>
        $$"""{{{before}}"ciphertext":"{{Convert.ToBase64String(Ciphertext(number, key, version))}}", "rest":[{{number}}, "ä"] }""";

    private protected static byte[] Ciphertext(int number, string key, byte version) =>
        [1, 1, 0, 0, 0, version, (byte)key.Length, .. Encoding.ASCII.GetBytes(key), .. BitConverter.GetBytes(number), .. new byte[28]];

    // The made-up service appends a byte.
    private protected static string Rewrapped(string line)
    {
        if (line.Length == 0) return line;
        var ciphertext = (string)JsonNode.Parse(line)!["ciphertext"]!;
        return line.Replace($"\"{ciphertext}\"", $"\"{Convert.ToBase64String([.. Convert.FromBase64String(ciphertext), 9])}\"", StringComparison.Ordinal);
    }

    private protected static byte[] BytesOf(JsonNode item) => Convert.FromBase64String((string)item["ciphertext"]!);

    private protected static string KeyOf(JsonNode item) => Encoding.ASCII.GetString(BytesOf(item)[7..^32]);

    private protected static int NumberOf(JsonNode item) => BitConverter.ToInt32(BytesOf(item), BytesOf(item).Length - 32);

    private protected static List<JsonNode> ItemsOf(ServiceCall call) => [.. (call.Body!["items"] ?? call.Body["operations"])!.AsArray().Select(item => item!)];

    private protected static Task<ServiceAnswer> Answer(ServiceCall call, Func<JsonNode, string?> refuse)
    {
        var results = ItemsOf(call).Select(item => (JsonNode)(refuse(item) is { } code
            ? new JsonObject { ["error"] = new JsonObject { ["code"] = code, ["detail"] = "No." } }
            : new JsonObject { ["key_id"] = "k", ["key_version"] = 2, ["ciphertext"] = Convert.ToBase64String([.. BytesOf(item), 9]) }));
        return Task.FromResult(new ServiceAnswer(200, Encoding.UTF8.GetBytes(new JsonObject { ["results"] = new JsonArray([.. results]) }.ToJsonString())));
    }

    private protected static Func<ServiceCall, CancellationToken, Task<ServiceAnswer>> Service(Func<JsonNode, string?> refuse) => (call, _) => Answer(call, refuse);

    private protected RewrapOptions Options() => new()
    {
        Input = Of("in.jsonl"),
        Output = Output,
        Report = Report,
        Format = new JsonLinesFormat(new("ciphertext", AssociatedData: null, Key: null, AssociatedDataIsText: false)),
        Meaning = "meaning",
        Patience = TimeSpan.FromMinutes(1),
    };

    private protected async Task<RewrapProgress> Run(
        List<string>? lines, Func<ServiceCall, CancellationToken, Task<ServiceAnswer>>? service = null, Func<RewrapOptions, RewrapOptions>? options = null)
    {
        if (lines is not null) File.WriteAllLines(Of("in.jsonl"), lines);
        var chosen = options?.Invoke(Options()) ?? Options();
        using var files = RewrapFiles.Open(chosen);
        var job = new RewrapJob(
            chosen, files,
            (call, cancellation) =>
            {
                if (call.Body is not null) Calls.Enqueue((call.Path, ItemsOf(call).Count));
                return (service ?? Service(_ => null))(call, cancellation);
            },
            Time);
        await job.Run(() => { }, CancellationToken.None);
        return files.Progress;
    }

    private protected string Of(string name) => Path.Combine(Folder, name.ToString(CultureInfo.InvariantCulture));
}
