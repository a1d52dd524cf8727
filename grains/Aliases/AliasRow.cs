using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Aliases;

/// <summary>
/// The row <c>alias</c>: the key that a name stands for. A removed alias leaves its row as a tombstone: an overtaken activation
/// notices the row's next version, and a deleted row has none.
/// </summary>
public sealed record AliasRow : Row
{
    /// <summary>The key's id.</summary>
    public required string KeyId { get; init; }
    /// <summary>When the alias was made, UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>When the alias was last pointed elsewhere, UTC.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
    /// <summary>Whether the alias was removed. The name may be used again.</summary>
    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingDefault)]
    public bool Removed { get; init; }

    /// <inheritdoc/>
    [System.Text.Json.Serialization.JsonIgnore]
    public override bool IsTombstone => Removed;
}
