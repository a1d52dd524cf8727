using OrleansKms.Grains.Keys.Operations;

namespace OrleansKms.Grains.Keys;

// The end of single versions; since feature level 3.
public sealed partial class KeyGrain : IKeyVersionsGrain
{
    /// <inheritdoc/>
    public Task<KeyDescription> ScheduleDestruction(ScheduleVersionDestruction request) =>
        VersionDestruction.Schedule(_key, request.Caller, request.Version, request.After);

    /// <inheritdoc/>
    public Task<KeyDescription> CancelDestruction(KeyVersionCommand request) =>
        VersionDestruction.Cancel(_key, request.Caller, request.Version);
}
