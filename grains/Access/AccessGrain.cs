using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Storage;
using OrleansKms.Grains.Clocks;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Access;

/// <summary>
/// Tells gateways who the administrator is, from a row that it reads at most every few seconds, however many gateways ask. While the
/// database is down it returns its last reading with its age, until that is too old. It does the same if the row is older than one this
/// silo has seen: then someone has rolled it back, and with it a token that was replaced.
/// </summary>
[StatelessWorker(maxLocalWorkers: 1)]
public sealed partial class AccessGrain(
    [FromKeyedServices(StorageNames.Sealed)] IGrainStorage storage,
    [FromKeyedServices(ClockNames.Keys)] TimeProvider time, KmsStorageOptions options,
    SeenAccess seen, CurrentEpoch epoch, ILogger<AccessGrain> logger) : Grain, IAccessGrain
{
    /// <summary>How long a reading is reused.</summary>
    internal static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(2);

    /// <summary>
    /// The minimum age up to which a reading is returned while the row cannot be read; gateways trust none for longer than they are told.
    /// </summary>
    internal static readonly TimeSpan MinHold = TimeSpan.FromMinutes(5);

    // At least as long as keys keep working, or nobody could use them.
    private readonly TimeSpan _holdsFor = options.Fence.Grace > MinHold ? options.Fence.Grace : MinHold;

    private byte[]? _tokenSha256;
    private long _order;
    private long? _readAt;
    private long _triedAt;

    /// <inheritdoc/>
    public async ValueTask<SignInCredentials> ListCredentials(CredentialsQuery query)
    {
        if (_readAt is not null && time.GetElapsedTime(_triedAt) < FreshFor)
        {
            return Known();
        }

        // Taken before the read: the read may miss a change made meanwhile.
        var startedAt = time.GetTimestamp();
        try
        {
            var state = new GrainState<AccessRow>();
            await storage.ReadStateAsync(RowNames.Access, AccessRow.Grain, state);
            Take(state.RecordExists ? state.State : null, startedAt);
        }
        catch (Exception e) when (e is KmsException or StorageFailedException)
        {
            LogFailed(e);
            RequireKnown(e);
        }

        // Taken after the read, so that callers who waited for an unresponsive database do not at once wait for it again.
        _triedAt = time.GetTimestamp();

        return Known();
    }

    private void Take(AccessRow? row, long startedAt)
    {
        var order = SeenAccess.Order(epoch.Value.Number, row?.Revision ?? 0);
        if (seen.Note(order))
        {
            (_tokenSha256, _readAt, _order) = (row?.AdministratorTokenSha256, startedAt, order);
            return;
        }

        LogOlder(row?.Revision ?? 0);
        RequireKnown(null);
    }

    private void RequireKnown(Exception? cause)
    {
        // This activation's copy may itself be older than what the silo has seen through another one.
        if (_readAt is null || _order < seen.Newest)
        {
            throw (cause as KmsException) ?? KmsError.StorageUnavailable.Exception();
        }
    }

    private SignInCredentials Known()
    {
        var age = time.GetElapsedTime(_readAt!.Value);
        return age <= _holdsFor ? new(_tokenSha256, age, _holdsFor, _order) : throw KmsError.StorageUnavailable.Exception();
    }

    [LoggerMessage(LogLevel.Error, "access: the row in the database is older (revision {Revision}) than one this silo has seen: it was rolled back, and is ignored")]
    private partial void LogOlder(long revision);

    [LoggerMessage(LogLevel.Warning, "access: the row could not be read")]
    private partial void LogFailed(Exception exception);
}
