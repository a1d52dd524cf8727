using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Gateway.Hosting;
using OrleansKms.Gateway.Observability;
using OrleansKms.Gateway.Wires;
using OrleansKms.Grains.Keys;
using OrleansKms.Grains.Telemetry;
using OrleansKms.Silo.Configuration;
using OrleansKms.Silo.Hosting;

namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>What is recorded and sent costs nothing where nobody asked for it, and holds nothing that it must not.</summary>
public sealed partial class TelemetryTests
{
    private const int Times = 1000;

    [Fact]
    public void RecordingAnEncryption_AllocatesNothing_WhereMetricsAreCollected()
    {
        using var services = new ServiceCollection().AddLogging().AddTelemetryOf(new GatewayOptions { PlatformMetrics = false }).BuildServiceProvider();
        Assert.NotNull(services.GetRequiredService<MeterProvider>());
        var key = new KeyValuePair<string, object?>("key_id", "a-key");
        var caller = new Caller("p", "s", "r");
        Assert.NotEqual(0, KeyInstruments.StartOf(KmsOperation.Encrypt));
        AllocatesNothing(() =>
        {
            CallInstruments.Count(caller, KmsOperation.Encrypt);
            KeyInstruments.Took(key, KmsOperation.Encrypt, KeyInstruments.StartOf(KmsOperation.Encrypt));
            KeyInstruments.Left(key, KmsOperation.Encrypt, null, 1);
            KeyInstruments.Left(key, KmsOperation.Decrypt, "invalid_ciphertext", 1);
            KeyInstruments.Left(key, KmsOperation.Sign, null, 1);
            FailedRequests.Count("invalid_ciphertext");
        });
    }

    [Fact]
    public void Traces_WhereNobodyListens_CostNothing()
    {
        var request = new DefaultHttpContext().Request;
        request.Headers.TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        AllocatesNothing(() =>
        {
            Assert.Null(RequestTrace.Begin(request));
            Assert.Null(KmsTraces.OfStorage("read", "key"));
            Assert.Null(KmsTraces.OfHsm());
            RequestTrace.End(null, null!);
        });
    }

    [Theory]
    [InlineData(null, null, false)]
    [InlineData("http://localhost:4317", "none", false)]
    [InlineData("http://localhost:4317", "otlp", true)]
    public void Filters_OfGrainCalls_AreThereWhereTracesAreSent(string? endpoint, string? traces, bool areThere)
    {
        var configuration = Configuration(
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), ("OTEL_TRACES_EXPORTER", traces), ("DATABASE_URL", "postgres://u:p@localhost/d"),
            ("OKMS_INSECURE_CLUSTER_NETWORK", "true"));
        var silo = WebApplication.CreateSlimBuilder();
        var settings = Settings.Read(configuration);
        silo.ExportTelemetry(settings.Telemetry, "silo");
        silo.StartBehindServer(settings, orleans => orleans.PropagateTraces(settings));
        Assert.Equal(areThere, Has<TracerProvider>(silo.Services));
        Assert.Equal(areThere, Has<IIncomingGrainCallFilter>(silo.Services));
        Assert.Equal(areThere, Has<IOutgoingGrainCallFilter>(silo.Services));

        var gateway = WebApplication.CreateSlimBuilder();
        gateway.ExportTelemetry(GatewaySettings.Read(configuration).Telemetry, "gateway");
        gateway.UseClusterClient(GatewaySettings.Read(configuration));
        Assert.Equal(areThere, Has<TracerProvider>(gateway.Services));
        // One of them retries calls.
        Assert.Equal(areThere ? 2 : 1, gateway.Services.Count(service => service.ServiceType == typeof(IOutgoingGrainCallFilter)));
    }

    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://user:secret@collector")]
    [InlineData("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")]
    [InlineData("OTEL_TRACES_EXPORTER", "console")]
    [InlineData("OTEL_TRACES_SAMPLER", "jaeger_remote")]
    [InlineData("OTEL_TRACES_SAMPLER_ARG", "1.5")]
    [InlineData("OTEL_TRACES_SAMPLER_ARG", "some")]
    public void Setting_ThatIsWrong_IsNamed_AndNotQuoted(string name, string value)
    {
        var message = Assert.Throws<SettingException>(() => Settings.Read(Configuration((name, value)))).Message;
        Assert.StartsWith(name + " ", message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Orleans_SpansKeepNoIdButAKeys_AndNoText()
    {
        using var source = new ActivitySource("Microsoft.Orleans.Tests");
        using var listener = new ActivityListener
        {
            ShouldListenTo = heard => ReferenceEquals(heard, source),
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
        };
        ActivitySource.AddActivityListener(listener);
        foreach (var (target, key) in ((string, string?)[])[("key/orders", "orders"), ("accessfacts/token-hash", null), ("keyring/x", null)])
        {
            using var call = source.StartActivity("call")!;
            call.SetTag("rpc.method", "m").SetTag("orleans.rpc.target_id", target).SetTag("orleans.rpc.source_id", "sys.client/x")
                .SetTag("exception.type", "t").SetTag("exception.message", "secret").SetTag("exception.stacktrace", "secret").SetTag("new", "unknown");
            new SafeSpans().OnEnd(call);
            Assert.Equal(key, call.GetTagItem("okms.key_id"));
            Assert.Equal(
                key is null ? ["exception.type", "rpc.method"] : ["exception.type", "okms.key_id", "rpc.method"],
                call.TagObjects.Select(tag => tag.Key).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void Trace_BeginsWithARequest_AndContinuesWithAnything()
    {
        var sampler = new RequestsOnly(new ParentBasedSampler(new AlwaysOnSampler()));
        Assert.Equal(SamplingDecision.Drop, Decide(default));
        Assert.Equal(SamplingDecision.RecordAndSample, Decide(default, new KeyValuePair<string, object?>(RequestsOnly.RequestTag, "GET")));
        Assert.Equal(SamplingDecision.RecordAndSample, Decide(new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded)));
        Assert.Equal(SamplingDecision.Drop, Decide(new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.None)));

        SamplingDecision Decide(ActivityContext parent, params KeyValuePair<string, object?>[] tags) =>
            sampler.ShouldSample(new(parent, ActivityTraceId.CreateRandom(), "span", ActivityKind.Server, tags)).Decision;
    }

    [Fact]
    public void Logs_AreSentUnderTheRulesOfLines()
    {
        var sent = new List<string>();
        using (var loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Trace).AddOpenTelemetry(options =>
        {
            options.IncludeFormattedMessage = options.ParseStateValues = true;
            options.AddProcessor(new SafeLogs(new Keeping(sent)));
        })))
        {
            Ours(loggers.CreateLogger("OrleansKms.Some"), "a?b");
            BelowItsFloor(loggers.CreateLogger("Microsoft.AspNetCore.Routing"));
            Failed(
                loggers.CreateLogger("Microsoft.AspNetCore.Other"), "/x?token=secret", "Bearer secret", new InvalidOperationException("GET /x?token=secret"));
        }

        Assert.Equal(2, sent.Count);
        Assert.Equal("ours a?b Value=a?b {OriginalFormat}=ours {Value}", sent[0]);
        Assert.StartsWith("failed /x?… Bearer … Address=/x?… Header=Bearer …", sent[1], StringComparison.Ordinal);
        Assert.Contains("exception.stacktrace=System.InvalidOperationException: GET /x?…", sent[1], StringComparison.Ordinal);
        Assert.DoesNotContain("secret", sent[1], StringComparison.Ordinal);
    }

    [LoggerMessage(LogLevel.Trace, "ours {Value}")]
    private static partial void Ours(ILogger logger, string value);

    [LoggerMessage(LogLevel.Information, "below its floor")]
    private static partial void BelowItsFloor(ILogger logger);

    [LoggerMessage(LogLevel.Error, "failed {Address} {Header}")]
    private static partial void Failed(ILogger logger, string address, string header, Exception exception);

    private static void AllocatesNothing(Action record)
    {
        // The first times make series and are compiled.
        for (var i = 0; i < Times; i++) record();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Times; i++) record();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static bool Has<T>(IServiceCollection services) => services.Any(service => service.ServiceType == typeof(T));

    private static ConfigurationManager Configuration(params (string Name, string? Value)[] settings)
    {
        var configuration = new ConfigurationManager();
        configuration.AddInMemoryCollection(settings.Where(setting => setting.Value is not null).ToDictionary(setting => setting.Name, setting => setting.Value));
        return configuration;
    }

    private sealed class Keeping(List<string> sent) : BaseProcessor<LogRecord>
    {
        public override void OnEnd(LogRecord data) => sent.Add(
            $"{data.FormattedMessage} {string.Join(' ', (data.Attributes ?? []).Select(a => $"{a.Key}={a.Value}"))}{data.Exception?.Message}");
    }
}

file static class Collected
{
    public static IServiceCollection AddTelemetryOf(this IServiceCollection services, GatewayOptions options)
    {
        services.AddTelemetry(options);
        return services;
    }
}
