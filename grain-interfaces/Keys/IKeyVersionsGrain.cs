namespace OrleansKms;

/// <summary>
/// The end of single versions of a key. It is the same grain as <see cref="IKeyGrain"/>, called by the same key; since feature
/// level 3, below which every call that would change something is <c>conflict</c>.
/// </summary>
/// <remarks>An interface of its own, as <see cref="IKeyRowsGrain"/> is, since older silos lack it.</remarks>
[Alias("okms.IKeyVersionsGrain"), Orleans.CodeGeneration.Version(1)]
public interface IKeyVersionsGrain : IGrainWithStringKey
{
    /// <summary>
    /// Makes a version unusable and sets the time at which its material is erased. Errors: conflict for the primary version,
    /// not_found, invalid_parameter.
    /// </summary>
    [Alias("ScheduleDestruction"), Operation("keys:schedule-destruction")] Task<KeyDescription> ScheduleDestruction(ScheduleVersionDestruction request);

    /// <summary>
    /// Takes the destruction of a version back; the version is disabled afterwards. Errors: conflict where none is scheduled,
    /// version_not_usable where it is done, not_found.
    /// </summary>
    [Alias("CancelDestruction"), Operation("keys:cancel-destruction")] Task<KeyDescription> CancelDestruction(KeyVersionCommand request);
}

/// <summary>Schedules the end of a version.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Version">1 or more.</param>
/// <param name="After">
/// How long from now: the operator's least (24 hours) to 365 days. Null for 7 days, or the operator's least if that is longer;
/// and it leaves the time that a version has already. Any other value sets it anew.
/// </param>
[GenerateSerializer, Immutable, Alias("okms.ScheduleVersionDestruction")]
public sealed record ScheduleVersionDestruction(
    [property: Id(0)] Caller Caller, [property: Id(1)] int Version, [property: Id(2)] TimeSpan? After = null) : ICallerRequest;
