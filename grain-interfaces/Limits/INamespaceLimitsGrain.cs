using Orleans.Concurrency;

namespace OrleansKms;

/// <summary>
/// The limits of namespaces. One activation, with the key <see cref="Key"/>, so that changes run one after another. Each method may fail
/// with <c>storage_unavailable</c>; those that change something fail with <c>permission_denied</c> unless the request proves that the
/// caller may do it.
/// </summary>
[Alias("okms.INamespaceLimitsGrain"), Orleans.CodeGeneration.Version(1)]
public interface INamespaceLimitsGrain : IGrainWithIntegerKey
{
    /// <summary>The grain key of the one activation.</summary>
    const long Key = 0;

    /// <summary>Replaces the limits of a namespace. Errors: invalid_parameter; conflict: too many namespaces have limits.</summary>
    [Alias("Set"), Operation("namespaces:set-limits")] Task<NamespaceLimits> Set(SetNamespaceLimits request);

    /// <summary>Returns the limits of a namespace. Errors: not_found, invalid_parameter.</summary>
    [Alias("Describe"), Operation("namespaces:describe-limits"), AlwaysInterleave] Task<NamespaceLimits> Describe(NamespaceCommand request);

    /// <summary>Removes the limits of a namespace. Errors: not_found, invalid_parameter.</summary>
    [Alias("Remove"), Operation("namespaces:remove-limits")] Task Remove(NamespaceCommand request);

    /// <summary>Returns to gateways the limits of all namespaces.</summary>
    [Alias("List"), Operation("service:namespace-limits"), AlwaysInterleave] Task<AllNamespaceLimits> List(NamespaceLimitsQuery request);
}

/// <summary>Sets the limits of a namespace.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Prefix">The namespace: the part of key ids before a dot.</param>
/// <param name="Proof">Proves that the caller may do it.</param>
[GenerateSerializer, Immutable, Alias("okms.SetNamespaceLimits")]
public sealed record SetNamespaceLimits(
    [property: Id(0)] Caller Caller, [property: Id(1)] string Prefix, [property: Id(2)] AdministratorProof? Proof) : ICallerRequest
{
    /// <summary>The new limits; empty removes them.</summary>
    /// <exception cref="KmsException">invalid_parameter: the message's text is malformed.</exception>
    public IReadOnlyList<LimitRule> Limits
    {
        get => LimitTexts.Parse(LimitsText) ?? [];
        init => LimitsText = LimitTexts.Format(value);
    }

    /// <summary><see cref="Limits"/> in messages.</summary>
    [Id(3)] internal string? LimitsText { get; init; }

    /// <summary>Omits the limits, which are parsed from a text that may be anything.</summary>
    public override string ToString() => $"{nameof(SetNamespaceLimits)} {{ Caller = {Caller}, Prefix = {Prefix} }}";
}

/// <summary>A command that needs only the namespace itself.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Prefix">The namespace.</param>
/// <param name="Proof">Proves that the caller may do it; reading needs none.</param>
[GenerateSerializer, Immutable, Alias("okms.NamespaceCommand")]
public sealed record NamespaceCommand(
    [property: Id(0)] Caller Caller, [property: Id(1)] string Prefix, [property: Id(2)] AdministratorProof? Proof = null) : ICallerRequest;

/// <summary>Requests the limits of all namespaces.</summary>
/// <param name="Caller">The caller.</param>
[GenerateSerializer, Immutable, Alias("okms.NamespaceLimitsQuery")]
public sealed record NamespaceLimitsQuery([property: Id(0)] Caller Caller) : ICallerRequest;

/// <summary>The limits of one namespace.</summary>
/// <param name="Prefix">The namespace.</param>
/// <param name="Limits">Its limits.</param>
[GenerateSerializer, Immutable, Alias("okms.NamespaceLimits")]
public sealed record NamespaceLimits([property: Id(0)] string Prefix, [property: Id(1)] LimitRule[] Limits);

/// <summary>The limits of all namespaces.</summary>
/// <param name="Order">Rises with each change; a caller that has seen one trusts no lower one.</param>
/// <param name="Namespaces">Those that have limits.</param>
[GenerateSerializer, Immutable, Alias("okms.AllNamespaceLimits")]
public sealed record AllNamespaceLimits([property: Id(0)] long Order, [property: Id(1)] NamespaceLimits[] Namespaces);
