namespace OrleansKms;

/// <summary>
/// The destruction of single versions of a key. The same grain as <see cref="IKeyGrain"/>, with the same grain key. Since feature
/// level 3; below it, every call that would change something fails with <c>conflict</c>.
/// </summary>
/// <remarks>An interface of its own, like <see cref="IKeyRowsGrain"/>, since older silos lack it.</remarks>
[Alias("okms.IKeyVersionsGrain"), Orleans.CodeGeneration.Version(1)]
public interface IKeyVersionsGrain : IGrainWithStringKey
{
    /// <summary>
    /// Makes a version unusable and schedules the erasure of its material. Errors: conflict for the primary version, not_found,
    /// invalid_parameter.
    /// </summary>
    [Alias("ScheduleDestruction"), Operation("keys:schedule-destruction")] Task<KeyDescription> ScheduleDestruction(ScheduleVersionDestruction request);

    /// <summary>
    /// Cancels the destruction of a version; the version is then disabled. Errors: conflict when none is scheduled,
    /// version_not_usable when it is done, not_found.
    /// </summary>
    [Alias("CancelDestruction"), Operation("keys:cancel-destruction")] Task<KeyDescription> CancelDestruction(KeyVersionCommand request);
}

/// <summary>Schedules the destruction of a version.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Version">1 or more.</param>
/// <param name="After">
/// How long from now: from the operator's minimum (24 hours by default) to <see cref="KmsLimits.MaxDeletionDelay"/>. Null for
/// <see cref="KmsLimits.DefaultDestructionDelay"/>, or the operator's minimum if that is longer; null also leaves a time that is
/// already set. Any other value replaces it.
/// </param>
[GenerateSerializer, Immutable, Alias("okms.ScheduleVersionDestruction")]
public sealed record ScheduleVersionDestruction(
    [property: Id(0)] Caller Caller, [property: Id(1)] int Version, [property: Id(2)] TimeSpan? After = null) : ICallerRequest;
