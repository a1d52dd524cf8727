namespace OrleansKms;

/// <summary>Requests the decision of policies on a hypothetical call.</summary>
[GenerateSerializer, Immutable, Alias("okms.SimulateAccess")]
public sealed record SimulateAccess : ICallerRequest
{
    /// <summary>The caller.</summary>
    [Id(0)] public required Caller Caller { get; init; }
    /// <summary>The principal of the hypothetical call.</summary>
    [Id(1)] public required string Principal { get; init; }
    /// <summary>The name of a <see cref="KmsOperation"/>.</summary>
    [Id(2)] public required string Action { get; init; }
    /// <summary>The key; null for none.</summary>
    [Id(3)] public string? KeyId { get; init; }
    /// <summary>The call's source address; null for none.</summary>
    [Id(4)] public string? Source { get; init; }
    /// <summary>The call's time, UTC; null for now.</summary>
    [Id(5)] public DateTimeOffset? Time { get; init; }
    /// <summary>Its associated data.</summary>
    [Id(6)] public byte[]? AssociatedData { get; init; }
    /// <summary>The kind of its ciphertext.</summary>
    [Id(7)] public CiphertextKind Kind { get; init; }
    /// <summary>The key's spec, if the key does not exist.</summary>
    [Id(8)] public string? Spec { get; init; }
    /// <summary>The key's protection, if the key does not exist.</summary>
    [Id(9)] public KeyProtection Protection { get; init; }
    /// <summary>Whether the principal signs in by a JWT or a client certificate, which only a gateway can verify.</summary>
    [Id(10)] public bool WithoutToken { get; init; }

    /// <summary>Omits the associated data and everything else the caller wrote.</summary>
    public override string ToString() => $"{nameof(SimulateAccess)} {{ Caller = {Caller} }}";
}

/// <summary>The decision of policies.</summary>
/// <param name="Allowed">Whether the call would be allowed.</param>
/// <param name="Because">The deciding statements; empty if nothing allows it.</param>
[GenerateSerializer, Immutable, Alias("okms.SimulatedAccess")]
public sealed record SimulatedAccess([property: Id(0)] bool Allowed, [property: Id(1)] AccessReason[] Because);

/// <summary>A deciding statement.</summary>
/// <param name="Policy">The policy's name; <c>key:</c> and its id for a key's own.</param>
/// <param name="Statement">Its index in the policy; null if a key's own policy has no matching allow statement.</param>
/// <param name="Effect">What it does.</param>
[GenerateSerializer, Immutable, Alias("okms.AccessReason")]
public sealed record AccessReason(
    [property: Id(0)] string Policy, [property: Id(1)] int? Statement, [property: Id(2)] PolicyEffect Effect);

/// <summary>A key's decision on a simulated call.</summary>
/// <param name="Facts">The key's facts that policies look at.</param>
/// <param name="Own">Its own policy's decision; null if it has none, or it does not apply to the principal.</param>
[GenerateSerializer, Immutable, Alias("okms.KeyAccess")]
public sealed record KeyAccess([property: Id(0)] KeyFacts Facts, [property: Id(1)] SimulatedAccess? Own);
