using System.Diagnostics;
using Microsoft.Extensions.Primitives;

namespace OrleansKms.Gateway.Wires;

/// <summary>The trace of a caller's request: the header <c>traceparent</c> of W3C Trace Context.</summary>
internal static class TraceParent
{
    /// <summary>The trace's id, 32 hexadecimal digits; null when the header is missing or malformed.</summary>
    public static string? TraceId(StringValues header) =>
        header is [{ } text] && ActivityContext.TryParse(text, null, out var context) ? context.TraceId.ToHexString() : null;
}
