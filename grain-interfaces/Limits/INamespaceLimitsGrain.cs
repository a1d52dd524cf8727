using Orleans.Concurrency;

namespace OrleansKms;

/// <summary>
/// The limits of namespaces. One activation, called by the key <see cref="Key"/>, so that changes come one after another. Each method may
/// answer <c>storage_unavailable</c>; each that changes something <c>permission_denied</c> unless the request proves that whoever asks
/// may do it.
/// </summary>
[Alias("okms.INamespaceLimitsGrain"), Orleans.CodeGeneration.Version(1)]
public interface INamespaceLimitsGrain : IGrainWithIntegerKey
{
    /// <summary>The key of the one activation.</summary>
    const long Key = 0;

    /// <summary>Sets the limits of a namespace, which replace those there were. Errors: invalid_parameter; conflict: there are too many.</summary>
    [Alias("Set"), Operation("namespaces:set-limits")] Task<NamespaceLimits> Set(SetNamespaceLimits request);

    /// <summary>Tells the limits of a namespace. Errors: not_found, invalid_parameter.</summary>
    [Alias("Describe"), Operation("namespaces:describe-limits"), AlwaysInterleave] Task<NamespaceLimits> Describe(NamespaceCommand request);

    /// <summary>Lifts the limits of a namespace. Errors: not_found, invalid_parameter.</summary>
    [Alias("Remove"), Operation("namespaces:remove-limits")] Task Remove(NamespaceCommand request);

    /// <summary>Tells gateways the limits of all namespaces.</summary>
    [Alias("List"), Operation("service:namespace-limits"), AlwaysInterleave] Task<AllNamespaceLimits> List(NamespaceLimitsQuery request);
}

/// <summary>Sets the limits of a namespace.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Prefix">The namespace: what key ids have before a dot.</param>
/// <param name="Proof">Shows that whoever asks may do it.</param>
[GenerateSerializer, Immutable, Alias("okms.SetNamespaceLimits")]
public sealed record SetNamespaceLimits(
    [property: Id(0)] Caller Caller, [property: Id(1)] string Prefix, [property: Id(2)] AdministratorProof? Proof) : ICallerRequest
{
    /// <summary>The limits; none lifts those there were.</summary>
    /// <exception cref="KmsException">invalid_parameter: the message came with a text that is none.</exception>
    public IReadOnlyList<LimitRule> Limits
    {
        get => LimitTexts.Parse(LimitsText) ?? [];
        init => LimitsText = LimitTexts.Format(value);
    }

    /// <summary><see cref="Limits"/> as they travel.</summary>
    [Id(3)] internal string? LimitsText { get; init; }

    /// <summary>Not the limits, which are read of a text that may be anything.</summary>
    public override string ToString() => $"{nameof(SetNamespaceLimits)} {{ Caller = {Caller}, Prefix = {Prefix} }}";
}

/// <summary>A command about one namespace without further fields.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Prefix">The namespace.</param>
/// <param name="Proof">Shows that whoever asks may do it; what only reads needs none.</param>
[GenerateSerializer, Immutable, Alias("okms.NamespaceCommand")]
public sealed record NamespaceCommand(
    [property: Id(0)] Caller Caller, [property: Id(1)] string Prefix, [property: Id(2)] AdministratorProof? Proof = null) : ICallerRequest;

/// <summary>Asks for the limits of all namespaces.</summary>
/// <param name="Caller">Who asks.</param>
[GenerateSerializer, Immutable, Alias("okms.NamespaceLimitsQuery")]
public sealed record NamespaceLimitsQuery([property: Id(0)] Caller Caller) : ICallerRequest;

/// <summary>The limits of one namespace.</summary>
/// <param name="Prefix">The namespace.</param>
/// <param name="Limits">Its limits.</param>
[GenerateSerializer, Immutable, Alias("okms.NamespaceLimits")]
public sealed record NamespaceLimits([property: Id(0)] string Prefix, [property: Id(1)] LimitRule[] Limits);

/// <summary>The limits of all namespaces.</summary>
/// <param name="Order">Rises with each change; who has seen one believes no lower one.</param>
/// <param name="Namespaces">Those that have limits.</param>
[GenerateSerializer, Immutable, Alias("okms.AllNamespaceLimits")]
public sealed record AllNamespaceLimits([property: Id(0)] long Order, [property: Id(1)] NamespaceLimits[] Namespaces);
