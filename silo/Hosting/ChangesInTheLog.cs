using OrleansKms.Gateway.Logging;
using OrleansKms.Grains.Keys;

namespace OrleansKms.Silo.Hosting;

/// <summary>The log on standard output as the record of changes.</summary>
internal sealed class ChangesInTheLog(LineLoggerProvider log) : IChangeSink
{
    /// <inheritdoc/>
    public bool HasRoom => log.HasRoomForChanges;

    /// <inheritdoc/>
    public Task Written() => log.ChangesWritten();
}
