using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace OrleansKms.Tests.Cluster.Gateways;

/// <summary>A span, as a collector gets it.</summary>
/// <param name="Service">The process's service name.</param>
/// <param name="Scope">The span's source.</param>
/// <param name="TraceId">The trace, in hexadecimal digits.</param>
/// <param name="Id">Its id.</param>
/// <param name="Parent">The span above it; empty for none.</param>
/// <param name="State">What <c>tracestate</c> said.</param>
/// <param name="Name">Its name.</param>
/// <param name="Tags">Its attributes, as text.</param>
internal sealed record ReceivedSpan(
    string Service, string Scope, string TraceId, string Id, string Parent, string State, string Name, IReadOnlyDictionary<string, string> Tags);

/// <summary>An OpenTelemetry collector, as far as tests need one: it takes OTLP by HTTP and protobuf and keeps what came.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<(string Signal, byte[] Body)> _received = new();

    private OtlpReceiver(WebApplication app) => _app = app;

    /// <summary>The settings of a process that sends everything here, and soon.</summary>
    public (string Name, string? Value)[] Settings =>
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", _app.Urls.Single()), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"), ("OTEL_BLRP_SCHEDULE_DELAY", "100"), ("OTEL_METRIC_EXPORT_INTERVAL", "2000"),
    ];

    public static async Task<OtlpReceiver> Start()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var receiver = new OtlpReceiver(app);
        app.MapPost("/v1/{signal}", async (HttpContext http, string signal) =>
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            receiver._received.Enqueue((signal, body.ToArray()));
            return Results.Bytes([], "application/x-protobuf");
        });
        await app.StartAsync();
        return receiver;
    }

    /// <summary>Everything that came of a signal: traces, metrics or logs.</summary>
    public IEnumerable<byte[]> Bodies(string signal) => _received.Where(one => one.Signal == signal).Select(one => one.Body);

    /// <summary>All spans of a trace.</summary>
    public List<ReceivedSpan> SpansOf(string traceId) => [.. Bodies("traces").SelectMany(SpansIn).Where(span => span.TraceId == traceId)];

    /// <summary>Whether anything that came of a signal has these bytes in it.</summary>
    public bool Holds(string signal, ReadOnlySpan<byte> bytes)
    {
        foreach (var body in Bodies(signal))
        {
            if (body.AsSpan().IndexOf(bytes) >= 0) return true;
        }

        return false;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    // The numbers of fields are those of opentelemetry-proto, trace/v1.
    private static IEnumerable<ReceivedSpan> SpansIn(byte[] request) =>
        from resourceSpans in Fields(request, 1)
        let service = Fields(resourceSpans, 1).SelectMany(TagsIn).Single(tag => tag.Key == "service.name").Value
        from scopeSpans in Fields(resourceSpans, 2)
        let scope = Text(Fields(Fields(scopeSpans, 1).Single(), 1).Single())
        from span in Fields(scopeSpans, 2)
        select new ReceivedSpan(
            service, scope, Hex(span, 1), Hex(span, 2), Hex(span, 4), string.Concat(Fields(span, 3).Select(Text)), Text(Fields(span, 5).Single()),
            TagsOf(span, 9).ToDictionary());

    private static IEnumerable<KeyValuePair<string, string>> TagsIn(byte[] resource) => TagsOf(resource, 1);

    private static IEnumerable<KeyValuePair<string, string>> TagsOf(byte[] message, int field) => Fields(message, field)
        .Select(tag => KeyValuePair.Create(Text(Fields(tag, 1).Single()), ValueOf(Fields(tag, 2).Single())));

    // A string, or a number as its bytes; nothing else is looked at.
    private static string ValueOf(byte[] any) => Fields(any, 1).FirstOrDefault() is { } text ? Text(text)
        : Fields(any, 3).FirstOrDefault() is { } number ? BinaryPrimitives.ReadInt64LittleEndian(number).ToString(System.Globalization.CultureInfo.InvariantCulture)
        : "";

    private static string Hex(byte[] message, int field) => Convert.ToHexStringLower(Fields(message, field).SingleOrDefault() ?? []);

    private static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);

    /// <summary>The values of a field: the bytes of what has a length, and numbers as eight bytes.</summary>
    private static IEnumerable<byte[]> Fields(byte[] message, int wanted)
    {
        var at = 0;
        while (at < message.Length)
        {
            var tag = VarInt(message, ref at);
            var value = (tag & 7) switch
            {
                0 => BitConverter.GetBytes(VarInt(message, ref at)),
                1 => Take(message, ref at, 8),
                2 => Take(message, ref at, (int)VarInt(message, ref at)),
                5 => Take(message, ref at, 4),
                _ => throw new InvalidDataException($"Wire type {tag & 7} at {at}."),
            };
            if (tag >> 3 == (ulong)wanted) yield return value;
        }
    }

    private static byte[] Take(byte[] message, ref int at, int length) => message[at..(at += length)];

    private static ulong VarInt(byte[] message, ref int at)
    {
        var value = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            var next = message[at++];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80) return value;
        }
    }
}
