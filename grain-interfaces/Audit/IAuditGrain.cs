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

    /// <summary>Finds records, the newest first. Errors: invalid_parameter, storage_unavailable.</summary>
    [Alias("Search"), Operation("audit:search")] Task<AuditPage> Search(AuditQuery request);

    /// <summary>The logs of all silos, the newest first. Error: storage_unavailable.</summary>
    [Alias("ListLogs"), Operation("audit:logs")] Task<AuditLogDescription[]> ListLogs(AuditCommand request);
}

/// <summary>A command that needs no arguments.</summary>
/// <param name="Caller">Who asks.</param>
[GenerateSerializer, Immutable, Alias("okms.AuditCommand")]
public sealed record AuditCommand([property: Id(0)] Caller Caller) : ICallerRequest;

/// <summary>Which records are wanted; what is null does not matter.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Limit">1 to 1,000.</param>
[GenerateSerializer, Immutable, Alias("okms.AuditQuery")]
public sealed record AuditQuery([property: Id(0)] Caller Caller, [property: Id(1)] int Limit) : ICallerRequest
{
    /// <summary>Of this key.</summary>
    [Id(2)] public string? KeyId { get; init; }

    /// <summary>Asked for by this principal.</summary>
    [Id(3)] public string? Principal { get; init; }

    /// <summary>Of this action.</summary>
    [Id(4)] public string? Action { get; init; }

    /// <summary>That ended so.</summary>
    [Id(5)] public string? Outcome { get; init; }

    /// <summary>Recorded then or later, UTC.</summary>
    [Id(6)] public DateTimeOffset? From { get; init; }

    /// <summary>Recorded before, UTC.</summary>
    [Id(7)] public DateTimeOffset? To { get; init; }

    /// <summary>Only those after <see cref="AuditPage.Last"/> of the page before.</summary>
    [Id(8)] public string? After { get; init; }
}

/// <summary>A page of records.</summary>
/// <param name="Records">The records, a JSON object each.</param>
/// <param name="Last">The place of the last one; null where nothing comes after it.</param>
[GenerateSerializer, Immutable, Alias("okms.AuditPage")]
public sealed record AuditPage([property: Id(0)] string[] Records, [property: Id(1)] string? Last);

/// <summary>A log of the audit trail, as the database knows it.</summary>
[GenerateSerializer, Immutable, Alias("okms.AuditLogDescription")]
public sealed record AuditLogDescription
{
    /// <summary>Its id.</summary>
    [Id(0)] public required string Id { get; init; }

    /// <summary>The silo that wrote it last.</summary>
    [Id(1)] public required string Silo { get; init; }

    /// <summary>The key that verifies it, as C2SP writes one.</summary>
    [Id(2)] public required string Key { get; init; }

    /// <summary>How many records the last checkpoint has.</summary>
    [Id(3)] public required long Size { get; init; }

    /// <summary>How many records are copied for search.</summary>
    [Id(4)] public required long Copied { get; init; }

    /// <summary>The last checkpoint, signed.</summary>
    [Id(5)] public required string Checkpoint { get; init; }

    /// <summary>When the database got it, UTC.</summary>
    [Id(6)] public required DateTimeOffset SignedAt { get; init; }
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
