using System.Buffers;
using System.Diagnostics;

namespace OrleansKms;

/// <summary>Makes callers: the same service each time, with a new request id.</summary>
internal sealed class KmsCaller(string principal)
{
    private static readonly SearchValues<char> _allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-:@/");

    private readonly string _source = Environment.MachineName;

    /// <summary>Whether a text can be a principal's name: no character with a meaning to a log, a metric or a terminal.</summary>
    public static bool IsPrincipal(string? name) => name is { Length: > 0 and <= KmsLimits.PrincipalLength } && !name.AsSpan().ContainsAnyExcept(_allowed);

    /// <summary>A request of its own, or part of the current traced activity.</summary>
    public Caller Next() => new(principal, _source, Activity.Current is { IdFormat: ActivityIdFormat.W3C } activity
        ? activity.TraceId.ToHexString()
        : Guid.NewGuid().ToString("N"));
}
