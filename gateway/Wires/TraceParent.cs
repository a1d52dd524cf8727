using System.Diagnostics;
using Microsoft.Extensions.Primitives;

namespace OrleansKms.Gateway.Wires;

/// <summary>The trace of a caller's request: the header <c>traceparent</c> of W3C Trace Context.</summary>
internal static class TraceParent
{
    /// <summary>The trace's id, 32 hexadecimal digits; null when the header is missing or malformed.</summary>
    public static string? TraceId(StringValues header) => TryRead(header, null, out var context) ? context.TraceId.ToHexString() : null;

    /// <summary>Reads the header.</summary>
    /// <param name="header">The header.</param>
    /// <param name="state">What <c>tracestate</c> says; null for nothing.</param>
    /// <param name="context">The caller's span; default when the header is missing or malformed.</param>
    public static bool TryRead(StringValues header, string? state, out ActivityContext context)
    {
        context = default;
        return header is [{ } text] && ActivityContext.TryParse(text, state, isRemote: true, out context);
    }
}
