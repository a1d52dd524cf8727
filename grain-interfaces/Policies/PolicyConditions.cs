namespace OrleansKms;

/// <summary>What must hold for a statement to match; each that is not null.</summary>
[GenerateSerializer, Immutable, Alias("okms.PolicyConditions")]
public sealed record PolicyConditions
{
    /// <summary>The caller's address lies in one of these networks, in CIDR notation (RFC 4632, RFC 4291).</summary>
    [Id(0)] public IReadOnlyList<string>? Source { get; init; }
    /// <summary>It is not before this, UTC.</summary>
    [Id(1)] public DateTimeOffset? NotBefore { get; init; }
    /// <summary>It is not after this, UTC.</summary>
    [Id(2)] public DateTimeOffset? NotAfter { get; init; }
    /// <summary>The associated data begins with these bytes; a request without any begins with none.</summary>
    [Id(3)] public byte[]? AssociatedDataPrefix { get; init; }
    /// <summary>The key has this protection.</summary>
    [Id(4)] public KeyProtection? Protection { get; init; }
    /// <summary>The key has one of these specs.</summary>
    [Id(5)] public IReadOnlyList<string>? Specs { get; init; }
    /// <summary>The ciphertext that is asked for, or given, is of this kind.</summary>
    [Id(6)] public CiphertextKind? Kind { get; init; }
}
