using System.Buffers;
using System.Diagnostics;
using OrleansKms.Gateway.Observability;

namespace OrleansKms.Gateway.Wires;

/// <summary>
/// The span of a request: what the caller's trace sees of this service, and the parent of what gateway and silos do for it. It has the
/// route's pattern, the operation and the key's id, and never the path, the query, a header or who asks: the audit record of the request
/// says that, under the same id of the trace. While nobody listens it costs one look.
/// </summary>
internal static class RequestTrace
{
    /// <summary>The name of its source.</summary>
    public const string SourceName = "OrleansKms.Gateway";

    // What W3C Trace Context has everybody pass on; silos take no longer message headers than ours need.
    private const int MaxStateLength = 512;

    private static readonly SearchValues<char> _printable =
        SearchValues.Create([.. Enumerable.Range(' ', '~' - ' ' + 1).Select(c => (char)c)]);

    private static readonly ActivitySource _source = new(SourceName);

    /// <summary>Whether anybody listens.</summary>
    public static bool IsOn => _source.HasListeners();

    /// <summary>Begins the span, under the caller's if it names one.</summary>
    /// <returns>Null if nobody wants to know.</returns>
    public static Activity? Begin(HttpRequest request)
    {
        if (!IsOn) return null;
        _ = TraceParent.TryRead(request.Headers.TraceParent, StateOf(request), out var parent);
        var method = RequestLog.Method(request.Method);
        return _source.StartActivity(ActivityKind.Server, parent, [new(RequestsOnly.RequestTag, method)], name: method);
    }

    /// <summary>Ends it, with what is known by now.</summary>
    public static void End(Activity? span, Exchange exchange)
    {
        if (span is null) return;
        if (span.IsAllDataRequested)
        {
            var status = exchange.Http.Response.StatusCode;
            if (exchange.Label is { } route)
            {
                span.DisplayName = $"{RequestLog.Method(exchange.Http.Request.Method)} {route}";
                span.SetTag("http.route", route);
            }

            span.SetTag("http.response.status_code", status);
            span.SetTag("okms.operation", exchange.Operation?.Name);
            span.SetTag(SafeSpans.KeyTag, exchange.KeyId);
            span.SetTag("okms.request_id", exchange.RequestId);
            span.SetTag("error.type", exchange.Code);
            if (status >= StatusCodes.Status500InternalServerError) span.SetStatus(ActivityStatusCode.Error);
        }

        span.Dispose();
    }

    private static string? StateOf(HttpRequest request) =>
        request.Headers.TraceState is [{ Length: <= MaxStateLength } state] && !state.AsSpan().ContainsAnyExcept(_printable) ? state : null;
}
