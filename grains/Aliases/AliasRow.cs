using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Aliases;

/// <summary>The row <c>alias</c>: the key that a name stands for.</summary>
public sealed record AliasRow : Row
{
    /// <summary>The key's id.</summary>
    public required string KeyId { get; init; }
    /// <summary>When the alias was made, UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>When it was last pointed elsewhere, UTC.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}
