using Microsoft.AspNetCore.Routing;
using OrleansKms.Gateway.Http;

namespace OrleansKms.Gateway.Operation;

/// <summary>
/// One line for each request. It holds the route's pattern and never the path or the query, so nothing that a caller chose
/// gets in but a checked request id and a valid key id.
/// </summary>
internal static partial class RequestLog
{
    private static readonly EventId _request = new(2, "Request");

    /// <summary>Writes the line.</summary>
    public static void Write(ILogger log, Exchange exchange)
    {
        if (exchange.Services.Options.RequestLog == LogLevel.None)
        {
            return;
        }

        var endpoint = exchange.Route is null ? exchange.Http.GetEndpoint() : null;
        exchange.Route ??= endpoint?.Metadata.GetMetadata<Http.Route>();
        var level = exchange.Route is { IsQuiet: true } ? LogLevel.Debug : exchange.Services.Options.RequestLog;
        if (!log.IsEnabled(level))
        {
            return;
        }

        var route = exchange.Route?.Pattern ?? (endpoint as RouteEndpoint)?.RoutePattern.RawText ?? "-";
        var line = new RequestLine(exchange, Method(exchange.Http.Request.Method), route, exchange.Elapsed.TotalMilliseconds);
        log.Log(level, _request, line, null, static (line, _) => line.ToString());
    }

    [LoggerMessage(1, LogLevel.Error, "Request {RequestId} to {Route} failed in a way that nobody expected.", EventName = "Defect")]
    public static partial void Defect(ILogger log, string requestId, string? route, Exception exception);

    private static string Method(string method) =>
        HttpMethods.GetCanonicalizedValue(method) is { Length: <= 7 } known ? known : "other";
}
