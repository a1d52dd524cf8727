using System.Diagnostics;
using System.Net;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Wires;

/// <summary>An HTTP call, over any wire, and its answer; also what the request log reports.</summary>
internal abstract class Exchange(HttpContext http, OperationServices services)
    : Call(services, Wires.RequestId.From(http.Request.Headers[Wires.RequestId.Header]))
{
    /// <summary>ASP.NET Core's side of the request.</summary>
    public HttpContext Http { get; } = http;

    /// <summary>The address's name in the request log; never chosen by a caller. Null where there is none.</summary>
    public abstract string? Label { get; }

    /// <summary>Whether the request log skips the request: a probe or a scrape.</summary>
    public virtual bool IsQuiet => false;

    /// <summary>The error code of the answer, or null.</summary>
    public string? Code { get; set; }

    /// <summary>Bytes of body that were read.</summary>
    public long RequestBytes { get; set; }

    /// <summary>Bytes of body that were written.</summary>
    public long ResponseBytes { get; private set; }

    /// <summary>The request's span; null if it has none.</summary>
    public Activity? Trace { get; set; }

    /// <inheritdoc/>
    public override string? TraceId => Trace is { } trace ? trace.TraceId.ToHexString() : TraceParent.TraceId(Http.Request.Headers.TraceParent);

    /// <inheritdoc/>
    public override IPAddress? Address => Http.Connection.RemoteIpAddress;

    /// <summary>The address that the request came from, as text.</summary>
    public override string Source
    {
        get
        {
            // An IPAddress caches its text, and the server keeps the IPAddress while the connection lives.
            const string Mapped = "::ffff:";
            var text = Http.Connection.RemoteIpAddress?.ToString() ?? IPAddress.None.ToString();
            return text.StartsWith(Mapped, StringComparison.Ordinal) && text.Contains('.', StringComparison.Ordinal)
                ? text[Mapped.Length..]
                : text;
        }
    }

    /// <summary>The exchange of a request, as the front door has set it.</summary>
    public static Exchange Of(HttpContext http) => http.Features.Get<Exchange>()
        ?? throw new InvalidOperationException("The request did not come through the gateway's front door.");

    /// <summary>A body has arrived whole; a wire may check what came after it.</summary>
    /// <exception cref="KmsException">What came after it is not allowed.</exception>
    public virtual void CheckTrailers()
    {
    }

    /// <summary>Answers with bytes.</summary>
    public Task AnswerBytes(ReadOnlyMemory<byte> bytes, string contentType, int status = StatusCodes.Status200OK)
    {
        Begin(status, contentType, bytes.Length);
        var writing = Http.Response.BodyWriter.WriteAsync(bytes);
        return writing.IsCompletedSuccessfully ? Task.CompletedTask : writing.AsTask();
    }

    /// <summary>Begins an answer whose length is known.</summary>
    protected void Begin(int status, string contentType, int length)
    {
        var response = Http.Response;
        response.StatusCode = status;
        response.ContentType = contentType;
        response.ContentLength = length;
        ResponseBytes = length;
    }

    /// <inheritdoc/>
    protected override void LogDefect(Exception exception) => RequestLog.Defect(Services.Log, RequestId, Label, exception);
}
