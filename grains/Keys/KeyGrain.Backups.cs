using OrleansKms.Grains.Keys.Operations;

namespace OrleansKms.Grains.Keys;

// Backups; since feature level 6.
public sealed partial class KeyGrain : IKeyBackupsGrain
{
    /// <inheritdoc/>
    public Task<KeyBackup> BackUp(KeyCommand request) => BackingUp.Run(_key, request);

    /// <inheritdoc/>
    public Task<KeyDescription> Restore(RestoreKey request) => Restoration.Run(_key, request);
}
