using System.Text.Json.Serialization;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Limits;

/// <summary>The row <c>namespaces</c>: the limits of all namespaces that have some.</summary>
public sealed record NamespaceLimitsRow : Row
{
    /// <summary>Whose row it is: one for the whole cluster.</summary>
    internal static readonly GrainId Grain = GrainId.Create("namespaces", "limits");

    /// <summary>The limits, by namespace.</summary>
    public IReadOnlyDictionary<string, LimitRule[]> Limits { get; init; } = new Dictionary<string, LimitRule[]>();
}

/// <summary>The row <c>limit</c>: how much of a limit was reserved in its present window.</summary>
public sealed record LimitRow : Row
{
    /// <summary>When the window began, Unix milliseconds; also its number.</summary>
    public required long Window { get; init; }

    /// <summary>How many uses were reserved in it.</summary>
    public required long Granted { get; init; }
}

/// <summary>The content of the rows as JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(NamespaceLimitsRow))]
[JsonSerializable(typeof(LimitRow))]
internal sealed partial class LimitRowsJson : JsonSerializerContext;
