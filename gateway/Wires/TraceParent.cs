using System.Diagnostics;
using Microsoft.Extensions.Primitives;

namespace OrleansKms.Gateway.Wires;

/// <summary>The trace that a caller's request belongs to: the header <c>traceparent</c> of W3C Trace Context.</summary>
internal static class TraceParent
{
    /// <summary>The trace's id, 32 hexadecimal digits; null where there is no such header or it is not well formed.</summary>
    public static string? TraceId(StringValues header) =>
        header is [{ } text] && ActivityContext.TryParse(text, null, out var context) ? context.TraceId.ToHexString() : null;
}
