using Microsoft.AspNetCore.Routing;
using OrleansKms.Gateway.Http;

namespace OrleansKms.Gateway.Operation;

/// <summary>
/// One line for each request. It holds the route's pattern and never the path or the query, so nothing that a caller chose
/// gets in but a checked request id and a valid key id.
/// </summary>
internal static partial class RequestLog
{
    /// <summary>Writes the line.</summary>
    public static void Write(ILogger log, Exchange exchange)
    {
        var endpoint = exchange.Route is null ? exchange.Http.GetEndpoint() : null;
        exchange.Route ??= endpoint?.Metadata.GetMetadata<Http.Route>();
        var level = exchange.Services.Options.RequestLog;
        if (level != LogLevel.None && exchange.Route is { IsQuiet: true })
        {
            level = LogLevel.Debug;
        }

        if (level == LogLevel.None || !log.IsEnabled(level))
        {
            return;
        }

        var duration = exchange.Services.Time.GetElapsedTime(exchange.Started).TotalMilliseconds;
        var method = Method(exchange.Http.Request.Method);
        var route = exchange.Route?.Pattern ?? (endpoint as RouteEndpoint)?.RoutePattern.RawText ?? "-";
        Request(
            log, level, method, route, exchange.Http.Response.StatusCode, exchange.Code, duration, exchange.RequestId, exchange.TraceId,
            exchange.Principal?.Name, exchange.KeyId, exchange.RequestBytes, exchange.ResponseBytes);
    }

    [LoggerMessage(1, LogLevel.Error, "Request {RequestId} to {Route} failed in a way that nobody expected.", EventName = "Defect")]
    public static partial void Defect(ILogger log, string requestId, string? route, Exception exception);

    // The text is short because it is made for every request; the other values are properties of the event.
    [LoggerMessage(EventId = 2, Message = "{Method} {Route} {Status}", EventName = "Request", SkipEnabledCheck = true)]
    private static partial void Request(
        ILogger log, LogLevel level, string method, string route, int status, string? code, double durationMs, string requestId,
        string? traceId, string? principal, string? keyId, long requestBytes, long responseBytes);

    private static string Method(string method) =>
        HttpMethods.GetCanonicalizedValue(method) is { Length: <= 7 } known ? known : "other";
}
