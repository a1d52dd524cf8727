using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Gateway.Access;
using OrleansKms.Gateway.Logging;
using OrleansKms.Gateway.Operations;
using OrleansKms.Gateway.Rest;
using OrleansKms.Gateway.Wires;

namespace OrleansKms.Tests.Unit.Gateway;

public sealed class RequestLineTests
{
    private const string Trace = "0af7651916cd43dd8448eb211c80319c";

    public static TheoryData<string, string?, bool> Requests => new()
    {
        { "/v1/keys/{id}/encrypt", null, true },
        { "/v1/keys/{id}/encrypt", "key_not_found", false },
        { "/\"\u0001\u2028é{" + new string('x', 300), "a\"b", true },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public void Json_IsTheLineOfItsValues(string route, string? code, bool isKnown)
    {
        var line = Line(route, code, isKnown);
        var (own, common) = (new ArrayBufferWriter<byte>(), new ArrayBufferWriter<byte>());
        var (time, id) = (new DateTimeOffset(2026, 11, 29, 1, 2, 3, TimeSpan.Zero), new EventId(2, "Request"));
        JsonLineFormat.Write(own, time, LogLevel.Information, "c", id, line);
        new JsonLineFormat().Write(common, new LogEvent(time, LogLevel.Information, "c", id, line.ToString(), line, null));
        Assert.Equal(Encoding.UTF8.GetString(common.WrittenSpan), Encoding.UTF8.GetString(own.WrittenSpan));
        var json = JsonDocument.Parse(own.WrittenMemory).RootElement;
        Assert.Equal($"POST {route} 200", json.GetProperty("message").GetString());
        Assert.Equal(
            ["method", "route", "status", "code", "duration_ms", "request_id", "trace_id", "principal", "key_id", "request_bytes", "response_bytes"],
            json.EnumerateObject().Select(p => p.Name).Skip(5));
        Assert.Equal(1.25, json.GetProperty("duration_ms").GetDouble());
        Assert.Equal(isKnown ? Trace : null, json.GetProperty("trace_id").GetString());
    }

    [Fact]
    public void Lines_AllocateLittle()
    {
        using var output = new MemoryStream();
        using var writer = new LineWriter(output, 1 << 20, _ => []);
        var logger = new LineLogger("OrleansKms.Tests", new JsonLineFormat(), writer, TimeProvider.System);
        var line = Line("/encrypt", null, true);
        void Log() => logger.Log(LogLevel.Information, new EventId(2, "Request"), line, null, static (line, _) => line.ToString());
        Log();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++) Log();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1000);
        writer.Dispose();
        Assert.Equal(101, Encoding.UTF8.GetString(output.ToArray()).Count(c => c == '\n'));
    }

    [Fact]
    public void Off_MakesNoLine()
    {
        var exchange = Exchange(new());
        exchange.Services.Logging.Set(null, false, null);
        var forbidden = new Forbidden();
        RequestLog.Write(forbidden, exchange);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++) RequestLog.Write(forbidden, exchange);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static ServiceProvider Services() =>
        new ServiceCollection().AddSingleton(_ => new LogSwitch(LogLevel.Information, requests: true, TimeProvider.System)).BuildServiceProvider();

    private static RestExchange Exchange(OrleansKms.Gateway.Configuration.GatewayOptions options)
    {
        var http = new DefaultHttpContext { Request = { Method = "POST" } };
        http.Request.Headers.TraceParent = $"00-{Trace}-b7ad6b7169203331-01";
        return new(http, new(
            new(options, Services(), null!, null!, null!, new FakeTimeProvider(), NullLogger<OperationServices>.Instance), null!, null!));
    }

    private static RequestLine Line(string route, string? code, bool isKnown)
    {
        var exchange = Exchange(new());
        exchange.Code = code;
        exchange.RequestBytes = 17;
        if (isKnown) (exchange.Principal, exchange.KeyId) = (Principal.Administrator, "k0");
        else exchange.Http.Request.Headers.Remove("traceparent");
        return new(exchange, "POST", route, 1.25);
    }

    private sealed class Forbidden : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => throw new InvalidOperationException();

        public bool IsEnabled(LogLevel logLevel) => throw new InvalidOperationException();

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            throw new InvalidOperationException();
    }
}
