namespace OrleansKms;

/// <summary>
/// The key-encryption keys (KEKs) under which all rows are sealed. One activation, with the key <see cref="Key"/>. Each method
/// may fail with <c>storage_unavailable</c>, and with <c>permission_denied</c> unless the request proves that an administrator
/// made it.
/// </summary>
[Alias("okms.IKekRingGrain")]
public interface IKekRingGrain : IGrainWithIntegerKey
{
    /// <summary>The grain key of the one activation.</summary>
    const long Key = 0;

    /// <summary>
    /// All KEKs, oldest first, including destroyed ones. Counts rows, so its cost grows with the number of rows.
    /// </summary>
    [Alias("List"), Operation("keks:list")] Task<KekDescription[]> List(KekCommand request);

    /// <summary>
    /// Makes a new KEK. It becomes current automatically once every silo has opened it, and then all rows are resealed under it.
    /// While one is being introduced, no other is made. Errors: hsm_unavailable.
    /// </summary>
    [Alias("Rotate"), Operation("keks:rotate")] Task<KekDescription> Rotate(KekCommand request);

    /// <summary>Destroys a KEK that is not the current one. Errors: not_found; conflict while rows or silos need it.</summary>
    [Alias("Destroy"), Operation("keks:destroy")] Task<KekDescription> Destroy(DestroyKek request);
}

/// <summary>A command about the KEKs.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Proof">
/// Proves that an administrator made the request. Null from gateways that do not know it; such requests are refused.
/// </param>
[GenerateSerializer, Immutable, Alias("okms.KekCommand")]
public sealed record KekCommand([property: Id(0)] Caller Caller, [property: Id(1)] AdministratorProof? Proof = null) : ICallerRequest;

/// <summary>Requests the destruction of a KEK.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="KekId">Its id: 32 hexadecimal digits in lower case.</param>
/// <param name="Proof">
/// Proves that an administrator made the request. Null from gateways that do not know it; such requests are refused.
/// </param>
[GenerateSerializer, Immutable, Alias("okms.DestroyKek")]
public sealed record DestroyKek(
    [property: Id(0)] Caller Caller, [property: Id(1)] string KekId, [property: Id(2)] AdministratorProof? Proof = null) : ICallerRequest;

/// <summary>Where a KEK is in its life.</summary>
[GenerateSerializer, Alias("okms.KekState")]
public enum KekState
{
    /// <summary>Made, and not used until every silo has opened it.</summary>
    New = 0,
    /// <summary>New rows are sealed under it.</summary>
    Current = 1,
    /// <summary>Another one is current, and rows are still sealed under this one.</summary>
    Retiring = 2,
    /// <summary>Another one is current, and no row is sealed under this one.</summary>
    Retired = 3,
    /// <summary>Deleted from the database.</summary>
    Destroyed = 4,
}

/// <summary>A KEK, without any of its key material.</summary>
[GenerateSerializer, Immutable, Alias("okms.KekDescription")]
public sealed record KekDescription
{
    /// <summary>Its id: 32 hexadecimal digits.</summary>
    [Id(0)] public required string Id { get; init; }
    /// <summary>Where it is in its life.</summary>
    [Id(1)] public required KekState State { get; init; }
    /// <summary>When it was made, UTC.</summary>
    [Id(2)] public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>When another one became current, UTC; null before.</summary>
    [Id(3)] public DateTimeOffset? SupersededAt { get; init; }
    /// <summary>When it was destroyed, UTC.</summary>
    [Id(4)] public DateTimeOffset? DestroyedAt { get; init; }
    /// <summary>Rows that are sealed under it.</summary>
    [Id(5)] public long Rows { get; init; }
    /// <summary>Rows resealed from it under another KEK. A crash may leave this too low by one step.</summary>
    [Id(6)] public long RowsResealed { get; init; }
    /// <summary>Rows resealed per second in the last step.</summary>
    [Id(7)] public double RowsPerSecond { get; init; }
    /// <summary>The ids of the roots that wrap it.</summary>
    [Id(8)] public required string[] Roots { get; init; }
    /// <summary>The silos that a new KEK waits for: they run and have not opened it.</summary>
    [Id(9)] public required string[] WaitsFor { get; init; }
}
