namespace OrleansKms;

/// <summary>Conditions of a statement: all that are not null must hold.</summary>
[GenerateSerializer, Immutable, Alias("okms.PolicyConditions")]
public sealed record PolicyConditions
{
    /// <summary>The caller's address is in one of these networks, in CIDR notation (RFC 4632, RFC 4291).</summary>
    [Id(0)] public IReadOnlyList<string>? Source { get; init; }
    /// <summary>The time is not before this, UTC.</summary>
    [Id(1)] public DateTimeOffset? NotBefore { get; init; }
    /// <summary>The time is not after this, UTC.</summary>
    [Id(2)] public DateTimeOffset? NotAfter { get; init; }
    /// <summary>The associated data begins with these bytes; absent associated data never does.</summary>
    [Id(3)] public byte[]? AssociatedDataPrefix { get; init; }
    /// <summary>The key has this protection.</summary>
    [Id(4)] public KeyProtection? Protection { get; init; }
    /// <summary>The key has one of these specs.</summary>
    [Id(5)] public IReadOnlyList<string>? Specs { get; init; }
    /// <summary>The ciphertext requested or given has this kind.</summary>
    [Id(6)] public CiphertextKind? Kind { get; init; }
}
