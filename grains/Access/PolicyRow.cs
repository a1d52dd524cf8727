using System.Text.Json.Serialization;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Access;

/// <summary>The row <c>policy</c>. A removed one stays as a tombstone, so that an older copy cannot take its place.</summary>
public sealed record PolicyRow : Row
{
    /// <summary>Its statements.</summary>
    public PolicyStatement[] Statements { get; init; } = [];
    /// <summary>When it was last changed, UTC.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
    /// <summary>The ledger's revision when the row was written.</summary>
    public long Stamp { get; init; }
    /// <summary>Whether it was removed.</summary>
    public bool Removed { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override bool IsTombstone => Removed;

    /// <summary>The row's grain.</summary>
    internal static GrainId Grain(string name) => GrainId.Create("policy", name);

    /// <summary>The policy's name in the ledger.</summary>
    internal static string LedgerName(string name) => "policy:" + name;
}
