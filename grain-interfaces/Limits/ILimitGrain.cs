namespace OrleansKms;

/// <summary>
/// One limit of a principal or namespace across all gateways, which reserve uses of it in blocks. The grain key names the limit. A window
/// starts with the first use after the previous one has ended.
/// </summary>
[Alias("okms.ILimitGrain"), Orleans.CodeGeneration.Version(1)]
public interface ILimitGrain : IGrainWithStringKey
{
    /// <summary>Reserves uses.</summary>
    [Alias("Reserve"), Operation("service:reserve-uses")] ValueTask<ReservedUses> Reserve(ReserveUses request);
}

/// <summary>Reserves uses of a limit.</summary>
[GenerateSerializer, Immutable, Alias("okms.ReserveUses")]
public sealed record ReserveUses : ICallerRequest
{
    /// <summary>The caller.</summary>
    [Id(0)] public required Caller Caller { get; init; }
    /// <summary>The number of uses in a window.</summary>
    [Id(1)] public required long Count { get; init; }
    /// <summary>The window.</summary>
    [Id(2)] public required TimeSpan Per { get; init; }
    /// <summary>How many uses are needed now: all or none.</summary>
    [Id(3)] public required long Needed { get; init; }
    /// <summary>How many are wanted, for the uses to come.</summary>
    [Id(4)] public required long Wanted { get; init; }
    /// <summary>The gateway, by a name it chooses.</summary>
    [Id(5)] public required string Gateway { get; init; }
    /// <summary>How many uses this gateway has reserved in the window it knows, for a grain that has forgotten.</summary>
    [Id(6)] public long Held { get; init; }
    /// <summary>How long that window still lasts.</summary>
    [Id(7)] public TimeSpan HeldFor { get; init; }
    /// <summary>How many of those it granted by itself, while it could reach no silo, and has not reported before.</summary>
    [Id(8)] public long Alone { get; init; }
}

/// <summary>The reserved uses.</summary>
/// <param name="Granted">How many uses; 0 if fewer are left than are needed.</param>
/// <param name="Window">The window's number.</param>
/// <param name="EndsIn">How long the window still lasts. Unused uses end with it.</param>
[GenerateSerializer, Immutable, Alias("okms.ReservedUses")]
public sealed record ReservedUses([property: Id(0)] long Granted, [property: Id(1)] long Window, [property: Id(2)] TimeSpan EndsIn);
