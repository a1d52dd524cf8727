namespace OrleansKms;

/// <summary>
/// The audit trail as gateways use it: they hand over what they answer without a grain, and read. A stateless worker, called by any
/// number: each stands for a way to some silo.
/// </summary>
[Alias("okms.IAuditGrain")]
public interface IAuditGrain : IGrainWithIntegerKey
{
    /// <summary>Records calls that a gateway answered itself, nearly all of them refusals. Errors: audit_unavailable.</summary>
    [Alias("Record"), Operation("audit:record")] Task Record(GatewayCalls request);
}

/// <summary>Calls that a gateway answered itself.</summary>
/// <param name="Caller">The gateway.</param>
/// <param name="Calls">At most <see cref="MaxCalls"/>.</param>
[GenerateSerializer, Immutable, Alias("okms.GatewayCalls")]
public sealed record GatewayCalls([property: Id(0)] Caller Caller, [property: Id(1)] GatewayCall[] Calls) : ICallerRequest
{
    /// <summary>How many calls a message may hold.</summary>
    public const int MaxCalls = 2000;
}

/// <summary>A call, or several of one kind, that a gateway answered itself.</summary>
/// <param name="Caller">Who asked; <c>anonymous</c> where that is not known.</param>
/// <param name="Operation">What for: the name of a row of <see cref="KmsOperation"/>.</param>
/// <param name="Outcome">The code of its error, or <c>ok</c>.</param>
[GenerateSerializer, Immutable, Alias("okms.GatewayCall")]
public sealed record GatewayCall(
    [property: Id(0)] Caller Caller, [property: Id(1)] string Operation, [property: Id(2)] string Outcome) : ICallerRequest
{
    /// <summary>The key that it named; null for none.</summary>
    [Id(3)] public string? KeyId { get; init; }

    /// <summary>How many items of a batch it is of; null for a whole call.</summary>
    [Id(4)] public int? Items { get; init; }

    /// <summary>How many calls like this one it stands for, itself included; at most 65,536.</summary>
    [Id(5)] public int Times { get; init; } = 1;
}
