using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Storage;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Access;

/// <summary>
/// Tells gateways who may sign in, from a row that it reads every few seconds at most, however many gateways ask. While the
/// database is away it goes on with what it has read, tells how old that is, and ends when it is too old.
/// </summary>
[StatelessWorker(maxLocalWorkers: 1)]
public sealed partial class AccessGrain(
    [FromKeyedServices(StorageNames.Sealed)] IGrainStorage storage,
    [FromKeyedServices(KmsGrainsExtensions.Clock)] TimeProvider time, ILogger<AccessGrain> logger) : Grain, IAccessGrain
{
    /// <summary>How long what was read is answered without reading again.</summary>
    internal static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(2);

    /// <summary>How old an answer may become while the row cannot be read; gateways let none hold for longer.</summary>
    internal static readonly TimeSpan HoldsFor = TimeSpan.FromMinutes(5);

    private byte[]? _tokenSha256;
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
        _triedAt = time.GetTimestamp();
        try
        {
            var state = new GrainState<AccessRow>();
            await storage.ReadStateAsync(RowNames.Access, AccessRow.Grain, state);
            (_tokenSha256, _readAt) = (state.RecordExists ? state.State!.AdministratorTokenSha256 : null, _triedAt);
        }
        catch (Exception e) when (e is KmsException or StorageFailedException)
        {
            LogFailed(e);
            if (_readAt is null)
            {
                throw (e as KmsException) ?? KmsError.StorageUnavailable.Exception();
            }
        }

        return Known();
    }

    private SignInCredentials Known()
    {
        var age = time.GetElapsedTime(_readAt!.Value);
        return age <= HoldsFor ? new(_tokenSha256, age) : throw KmsError.StorageUnavailable.Exception();
    }

    [LoggerMessage(LogLevel.Warning, "access: the row could not be read")]
    private partial void LogFailed(Exception exception);
}
