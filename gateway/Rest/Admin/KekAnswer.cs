using System.Text.Json.Serialization;
using OrleansKms.Gateway.Json;

namespace OrleansKms.Gateway.Rest.Admin;

/// <summary>A key-encryption key (KEK).</summary>
internal sealed class KekAnswer
{
    /// <summary>Its id: 32 hexadecimal digits.</summary>
    public required string Id { get; init; }

    /// <summary>new, current, retiring, retired or destroyed.</summary>
    public required string State { get; init; }

    /// <summary>When it was made.</summary>
    [JsonPropertyName("created_at")]
    public required DateTime CreatedAt { get; init; }

    /// <summary>When another one became current.</summary>
    [JsonPropertyName("superseded_at"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTime? SupersededAt { get; init; }

    /// <summary>When it was destroyed.</summary>
    [JsonPropertyName("destroyed_at"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTime? DestroyedAt { get; init; }

    /// <summary>Rows that are sealed under it.</summary>
    public required long Rows { get; init; }

    /// <summary>The ids of the roots that wrap it.</summary>
    public required string[] Wraps { get; init; }

    /// <summary>The silos that a new KEK waits for.</summary>
    [JsonPropertyName("waits_for"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string[]? WaitsFor { get; init; }

    /// <summary>The resealing of its rows under the current KEK.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ResealingAnswer? Resealing { get; init; }

    public static KekAnswer Of(KekDescription kek) => new()
    {
        Id = kek.Id,
        State = WireNames<KekState>.Of(kek.State),
        CreatedAt = kek.CreatedAt.UtcDateTime,
        SupersededAt = kek.SupersededAt?.UtcDateTime,
        DestroyedAt = kek.DestroyedAt?.UtcDateTime,
        Rows = kek.Rows,
        Wraps = kek.Roots,
        WaitsFor = kek.State == KekState.New ? kek.WaitsFor : null,
        Resealing = kek.State is KekState.Retiring or KekState.Retired ? ResealingAnswer.Of(kek) : null,
    };
}

/// <summary>How far the rows of a KEK have been resealed.</summary>
internal sealed class ResealingAnswer
{
    /// <summary>Rows that were resealed.</summary>
    [JsonPropertyName("rows_done")]
    public required long RowsDone { get; init; }

    /// <summary>Rows that remain.</summary>
    [JsonPropertyName("rows_left")]
    public required long RowsLeft { get; init; }

    /// <summary>Rows a second in the last step.</summary>
    [JsonPropertyName("rows_per_second")]
    public required double RowsPerSecond { get; init; }

    public static ResealingAnswer Of(KekDescription kek) => new()
    {
        RowsDone = kek.RowsResealed,
        RowsLeft = kek.Rows,
        RowsPerSecond = Math.Round(kek.RowsPerSecond, 1),
    };
}

/// <summary>All KEKs, oldest first.</summary>
internal sealed class ListKeksAnswer
{
    /// <summary>The KEKs.</summary>
    public required KekAnswer[] Keks { get; init; }
}
