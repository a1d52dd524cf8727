namespace OrleansKms;

/// <summary>
/// One limit of a principal or of a namespace, over all gateways: they reserve uses of it in blocks. The grain's key names the limit.
/// A window begins with the first use after the one before it has ended.
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
    /// <summary>Who asks.</summary>
    [Id(0)] public required Caller Caller { get; init; }
    /// <summary>How many uses the limit has in a window.</summary>
    [Id(1)] public required long Count { get; init; }
    /// <summary>The window.</summary>
    [Id(2)] public required TimeSpan Per { get; init; }
    /// <summary>How many uses are needed at once: all of them or none.</summary>
    [Id(3)] public required long Needed { get; init; }
    /// <summary>How many are wanted, for what comes next.</summary>
    [Id(4)] public required long Wanted { get; init; }
    /// <summary>The gateway, by a name of its own choice.</summary>
    [Id(5)] public required string Gateway { get; init; }
    /// <summary>How many this gateway has reserved in the window that it knows, for a grain that has forgotten.</summary>
    [Id(6)] public long Held { get; init; }
    /// <summary>How long that window still lasts.</summary>
    [Id(7)] public TimeSpan HeldFor { get; init; }
}

/// <summary>What was reserved.</summary>
/// <param name="Granted">How many uses; 0 where what is needed is not left.</param>
/// <param name="Window">The window's number.</param>
/// <param name="EndsIn">How long the window still lasts. Unused uses end with it.</param>
[GenerateSerializer, Immutable, Alias("okms.ReservedUses")]
public sealed record ReservedUses([property: Id(0)] long Granted, [property: Id(1)] long Window, [property: Id(2)] TimeSpan EndsIn);
