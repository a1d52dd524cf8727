namespace OrleansKms;

/// <summary>
/// The audit trail for gateways: they report calls they answered without a grain, and search it. A stateless worker; any key will do, and
/// each may lead to another silo.
/// </summary>
[Alias("okms.IAuditGrain")]
public interface IAuditGrain : IGrainWithIntegerKey
{
    /// <summary>Records calls that a gateway answered itself, mostly refusals. Errors: audit_unavailable.</summary>
    [Alias("Record"), Operation("audit:record")] Task Record(GatewayCalls request);

    /// <summary>Finds records, newest first. Errors: invalid_parameter, storage_unavailable.</summary>
    [Alias("Search"), Operation("audit:search")] Task<AuditPage> Search(AuditQuery request);

    /// <summary>The logs of all silos, newest first. Error: storage_unavailable.</summary>
    [Alias("ListLogs"), Operation("audit:logs")] Task<AuditLogDescription[]> ListLogs(AuditCommand request);
}

/// <summary>A command without arguments.</summary>
/// <param name="Caller">The caller.</param>
[GenerateSerializer, Immutable, Alias("okms.AuditCommand")]
public sealed record AuditCommand([property: Id(0)] Caller Caller) : ICallerRequest;

/// <summary>Requests records; a null field matches everything.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Limit">1 to <see cref="KmsLimits.PageItems"/>.</param>
[GenerateSerializer, Immutable, Alias("okms.AuditQuery")]
public sealed record AuditQuery([property: Id(0)] Caller Caller, [property: Id(1)] int Limit) : ICallerRequest
{
    /// <summary>The key.</summary>
    [Id(2)] public string? KeyId { get; init; }

    /// <summary>The principal who called.</summary>
    [Id(3)] public string? Principal { get; init; }

    /// <summary>The action.</summary>
    [Id(4)] public string? Action { get; init; }

    /// <summary>The outcome.</summary>
    [Id(5)] public string? Outcome { get; init; }

    /// <summary>The earliest time, UTC, inclusive.</summary>
    [Id(6)] public DateTimeOffset? From { get; init; }

    /// <summary>The latest time, UTC, exclusive.</summary>
    [Id(7)] public DateTimeOffset? To { get; init; }

    /// <summary>Only records after this: <see cref="AuditPage.Last"/> of the previous page.</summary>
    [Id(8)] public string? After { get; init; }
}

/// <summary>A page of records.</summary>
/// <param name="Records">The records, one JSON object each.</param>
/// <param name="Last">The position of the last one; null if nothing follows.</param>
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

    /// <summary>Its verifier key, in C2SP's format.</summary>
    [Id(2)] public required string Key { get; init; }

    /// <summary>The number of records in the last checkpoint.</summary>
    [Id(3)] public required long Size { get; init; }

    /// <summary>The number of records copied for search.</summary>
    [Id(4)] public required long Copied { get; init; }

    /// <summary>The last checkpoint, signed.</summary>
    [Id(5)] public required string Checkpoint { get; init; }

    /// <summary>When the database received it, UTC.</summary>
    [Id(6)] public required DateTimeOffset SignedAt { get; init; }
}

/// <summary>Calls that a gateway answered itself.</summary>
/// <param name="Caller">The gateway.</param>
/// <param name="Calls">At most <see cref="MaxCalls"/>.</param>
[GenerateSerializer, Immutable, Alias("okms.GatewayCalls")]
public sealed record GatewayCalls([property: Id(0)] Caller Caller, [property: Id(1)] GatewayCall[] Calls) : ICallerRequest
{
    /// <summary>The maximum number of calls in a message.</summary>
    public const int MaxCalls = 2000;
}

/// <summary>A call, or several of one kind, that a gateway answered itself.</summary>
/// <param name="Caller">The caller; <c>anonymous</c> if unknown.</param>
/// <param name="Operation">The requested operation: the name of a row of <see cref="KmsOperation"/>.</param>
/// <param name="Outcome">The error code, or <c>ok</c>.</param>
[GenerateSerializer, Immutable, Alias("okms.GatewayCall")]
public sealed record GatewayCall(
    [property: Id(0)] Caller Caller, [property: Id(1)] string Operation, [property: Id(2)] string Outcome) : ICallerRequest
{
    /// <summary>The key it named; null for none.</summary>
    [Id(3)] public string? KeyId { get; init; }

    /// <summary>The number of batch items; null for a whole call.</summary>
    [Id(4)] public int? Items { get; init; }

    /// <summary>The number of identical calls it stands for, itself included; at most 65,536.</summary>
    [Id(5)] public int Times { get; init; } = 1;

    /// <summary>What a change was, of those that a gateway makes itself; null for none. Never anything secret, nor text of the caller's.</summary>
    [Id(6)] public string? Detail { get; init; }
}
