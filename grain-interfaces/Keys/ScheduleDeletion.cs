namespace OrleansKms;

/// <summary>Schedules the deletion of a key.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="After">
/// How long from now: from the operator's minimum (24 hours by default) to <see cref="KmsLimits.MaxDeletionDelay"/>.
/// </param>
[GenerateSerializer, Immutable, Alias("okms.ScheduleDeletion")]
public sealed record ScheduleDeletion([property: Id(0)] Caller Caller, [property: Id(1)] TimeSpan After) : ICallerRequest;
