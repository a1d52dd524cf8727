namespace OrleansKms.Gateway.Wires;

/// <summary>
/// One line for each request. It holds the route's pattern and never the path or the query, so that a checked request id and a
/// valid key id are all that a caller can put there.
/// </summary>
internal static partial class RequestLog
{
    private static readonly EventId _request = new(2, "Request");

    /// <summary>Writes the line.</summary>
    public static void Write(ILogger log, Exchange exchange)
    {
        if (!exchange.Services.Logging.Current.Requests) return;
        var level = exchange.IsQuiet ? LogLevel.Debug : LogLevel.Information;
        if (!log.IsEnabled(level)) return;

        var line = new RequestLine(exchange, Method(exchange.Http.Request.Method), exchange.Label ?? "-", exchange.Elapsed.TotalMilliseconds);
        log.Log(level, _request, line, null, static (line, _) => line.ToString());
    }

    [LoggerMessage(1, LogLevel.Error, "Request {RequestId} to {Route} failed unexpectedly.", EventName = "Defect")]
    public static partial void Defect(ILogger log, string requestId, string? route, Exception exception);

    /// <summary>A method's name; <c>other</c> for what a caller has made up.</summary>
    public static string Method(string method) =>
        HttpMethods.GetCanonicalizedValue(method) is { Length: <= 7 } known ? known : "other";
}
