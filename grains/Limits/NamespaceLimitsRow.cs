using System.Text.Json.Serialization;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Limits;

/// <summary>The row <c>namespaces</c>: the limits of all namespaces that have any.</summary>
public sealed record NamespaceLimitsRow : Row
{
    /// <summary>The row's grain: one for the whole cluster.</summary>
    internal static readonly GrainId Grain = GrainId.Create("namespaces", "limits");

    /// <summary>The limits, by namespace.</summary>
    public IReadOnlyDictionary<string, LimitRule[]> Limits { get; init; } = new Dictionary<string, LimitRule[]>();
}

/// <summary>The row <c>limit</c>: how much of a limit is reserved in the current window.</summary>
public sealed record LimitRow : Row
{
    /// <summary>When the window began, Unix milliseconds; also its number.</summary>
    public required long Window { get; init; }

    /// <summary>How many uses are reserved in it.</summary>
    public required long Granted { get; init; }
}

/// <summary>The rows' JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(NamespaceLimitsRow))]
[JsonSerializable(typeof(LimitRow))]
internal sealed partial class LimitRowsJson : JsonSerializerContext;
