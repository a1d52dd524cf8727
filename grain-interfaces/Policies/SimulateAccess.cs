namespace OrleansKms;

/// <summary>Asks what policies would decide of a call.</summary>
[GenerateSerializer, Immutable, Alias("okms.SimulateAccess")]
public sealed record SimulateAccess : ICallerRequest
{
    /// <summary>Who asks.</summary>
    [Id(0)] public required Caller Caller { get; init; }
    /// <summary>The principal whose call it would be.</summary>
    [Id(1)] public required string Principal { get; init; }
    /// <summary>The name of a <see cref="KmsOperation"/>.</summary>
    [Id(2)] public required string Action { get; init; }
    /// <summary>The key; null for none.</summary>
    [Id(3)] public string? KeyId { get; init; }
    /// <summary>The address that it would come from; null for none.</summary>
    [Id(4)] public string? Source { get; init; }
    /// <summary>When it would be, UTC; null for now.</summary>
    [Id(5)] public DateTimeOffset? Time { get; init; }
    /// <summary>Its associated data.</summary>
    [Id(6)] public byte[]? AssociatedData { get; init; }
    /// <summary>What its ciphertext would hold.</summary>
    [Id(7)] public CiphertextKind Kind { get; init; }
    /// <summary>The key's spec, where there is no such key.</summary>
    [Id(8)] public string? Spec { get; init; }
    /// <summary>The key's protection, where there is no such key.</summary>
    [Id(9)] public KeyProtection Protection { get; init; }

    /// <summary>Never the associated data, nor what a caller wrote.</summary>
    public override string ToString() => $"{nameof(SimulateAccess)} {{ Caller = {Caller} }}";
}

/// <summary>What policies would decide.</summary>
/// <param name="Allowed">Whether the call would be allowed.</param>
/// <param name="Because">The statements that decide; none where nothing allows it.</param>
[GenerateSerializer, Immutable, Alias("okms.SimulatedAccess")]
public sealed record SimulatedAccess([property: Id(0)] bool Allowed, [property: Id(1)] AccessReason[] Because);

/// <summary>A statement that decides.</summary>
/// <param name="Policy">The policy's name; <c>key:</c> and its id for a key's own.</param>
/// <param name="Statement">Its place in the policy, from 0; null where a key's own policy allows nothing of the kind.</param>
/// <param name="Effect">What it does.</param>
[GenerateSerializer, Immutable, Alias("okms.AccessReason")]
public sealed record AccessReason(
    [property: Id(0)] string Policy, [property: Id(1)] int? Statement, [property: Id(2)] PolicyEffect Effect);

/// <summary>What a key says to a simulated call.</summary>
/// <param name="Facts">What policies look at of the key.</param>
/// <param name="Own">What its own policy decides; null where it has none, or it does not bind the principal.</param>
[GenerateSerializer, Immutable, Alias("okms.KeyAccess")]
public sealed record KeyAccess([property: Id(0)] KeyFacts Facts, [property: Id(1)] SimulatedAccess? Own);
