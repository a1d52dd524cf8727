using System.Globalization;
using System.Text.RegularExpressions;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>
/// What a process has allocated since it began, which differs by a tenth of a megabyte between two starts. The pages of the dashboard,
/// if they were compressed at the start, are 80 MB; the tables of Orleans' directory caches, as large as it makes them by itself, 18.
/// </summary>
internal static partial class StartAllocations
{
    /// <summary>More than a start of 42 MB, in a cluster 46, grows to by what is added to it; less than with either of those.</summary>
    private const long Max = 54_000_000;

    /// <summary>Requires that a process that was started just now, and asked for nothing, has allocated little.</summary>
    public static async Task AreFew(ServiceProcess service)
    {
        var metrics = await service.Http.GetStringAsync("/metrics");
        Assert.InRange(long.Parse(Allocated().Match(metrics).Groups[1].Value, CultureInfo.InvariantCulture), 1, Max);
    }

    [GeneratedRegex(@"(?m)^dotnet_gc_heap_total_allocated_bytes_total(?:\{\})? (\d+)")]
    private static partial Regex Allocated();
}
