using System.Diagnostics;

namespace OrleansKms.Grains.Telemetry;

/// <summary>
/// The spans below a grain's: what it waits for. They are part of a trace that somebody else began, and begin none: what a silo does
/// by itself would be traces without end. While nobody listens they cost one look.
/// </summary>
internal static class KmsTraces
{
    /// <summary>The name of their source.</summary>
    public const string Name = "OrleansKms.Grains";

    /// <summary>The tag with the name of a row, which has no id in it.</summary>
    public const string RowTag = "okms.row";

    private static readonly ActivitySource _source = new(Name);

    /// <summary>A call of the database for one row; null if nobody wants to know.</summary>
    /// <param name="operation">read, write or clear.</param>
    /// <param name="row">The row's name.</param>
    public static Activity? OfStorage(string operation, string row)
    {
        if (!_source.HasListeners() || Activity.Current is null) return null;
        var span = _source.StartActivity("storage " + operation, ActivityKind.Client);
        if (span is { IsAllDataRequested: true }) span.SetTag("db.operation.name", operation).SetTag(RowTag, row);
        return span;
    }

    /// <summary>A call of the HSM, with the wait for a session; null if nobody wants to know.</summary>
    public static Activity? OfHsm() =>
        _source.HasListeners() && Activity.Current is not null ? _source.StartActivity("hsm call", ActivityKind.Client) : null;

    /// <summary>The call failed.</summary>
    /// <param name="span">Its span, if it has one.</param>
    /// <param name="code">Why: an error's code, or the name of a kind.</param>
    public static void Failed(this Activity? span, string code) => span?.SetStatus(ActivityStatusCode.Error).SetTag("error.type", code);
}
