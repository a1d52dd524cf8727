using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Storage;
using OrleansKms.Grains.Clocks;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Access;

/// <summary>
/// Tells gateways who may sign in, from a row that it reads every few seconds at most, however many gateways ask. While the
/// database is away it goes on with what it has read, tells how old that is, and ends when it is too old. It does the same where the
/// row is older than one that this silo has seen, for then somebody has put it back, and a token that was replaced with it.
/// </summary>
[StatelessWorker(maxLocalWorkers: 1)]
public sealed partial class AccessGrain(
    [FromKeyedServices(StorageNames.Sealed)] IGrainStorage storage,
    [FromKeyedServices(ClockNames.Keys)] TimeProvider time, KmsStorageOptions options,
    SeenAccess seen, CurrentEpoch epoch, ILogger<AccessGrain> logger) : Grain, IAccessGrain
{
    /// <summary>How long what was read is answered without reading again.</summary>
    internal static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(2);

    /// <summary>How old an answer may become at least while the row cannot be read; gateways let none hold for longer than they are told.</summary>
    internal static readonly TimeSpan MinHold = TimeSpan.FromMinutes(5);

    // No shorter than keys go on for, or nobody could use them.
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

        // The time before the reading: a change that comes while it is read may not be in it.
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

        // The time after it: who waited for a database that does not answer must not wait for it again at once.
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
        // What this activation knows may itself be older than what the silo has seen by another one.
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

    [LoggerMessage(LogLevel.Error, "access: the row in the database is older (revision {Revision}) than one that this silo has seen: somebody has put it back, and it is not believed")]
    private partial void LogOlder(long revision);

    [LoggerMessage(LogLevel.Warning, "access: the row could not be read")]
    private partial void LogFailed(Exception exception);
}
