namespace OrleansKms;

/// <summary>Schedules the end of a key.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="After">How long from now: 24 hours (or the operator's least) to 365 days.</param>
[GenerateSerializer, Immutable, Alias("okms.ScheduleDeletion")]
public sealed record ScheduleDeletion([property: Id(0)] Caller Caller, [property: Id(1)] TimeSpan After) : ICallerRequest;
