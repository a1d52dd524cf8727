using System.Buffers;
using System.Diagnostics;

namespace OrleansKms;

/// <summary>Says who calls: the same service each time, another request each time.</summary>
internal sealed class KmsCaller(string principal)
{
    private static readonly SearchValues<char> _allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-:@/");

    private readonly string _source = Environment.MachineName;

    /// <summary>Whether a text can be a principal's name: nothing that means something to a log, a metric or a terminal.</summary>
    public static bool IsPrincipal(string? name) => name is { Length: > 0 and <= KmsLimits.PrincipalLength } && !name.AsSpan().ContainsAnyExcept(_allowed);

    /// <summary>A call of its own, or a part of the activity that is traced at the moment.</summary>
    public Caller Next() => new(principal, _source, Activity.Current is { IdFormat: ActivityIdFormat.W3C } activity
        ? activity.TraceId.ToHexString()
        : Guid.NewGuid().ToString("N"));
}
