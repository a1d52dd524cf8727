using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Storage;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Access;

/// <summary>
/// Tells gateways who may sign in, from a row that it reads every few seconds at most, however many gateways ask. While the
/// database is away it goes on with what it has read.
/// </summary>
[StatelessWorker(maxLocalWorkers: 1)]
public sealed partial class AccessGrain(
    [FromKeyedServices(StorageNames.Sealed)] IGrainStorage storage,
    [FromKeyedServices(KmsGrainsExtensions.Clock)] TimeProvider time, ILogger<AccessGrain> logger) : Grain, IAccessGrain
{
    /// <summary>How long what was read is answered without reading again.</summary>
    internal static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(2);

    private SignInCredentials? _known;
    private long _read;

    /// <inheritdoc/>
    public async ValueTask<SignInCredentials> ListCredentials(CredentialsQuery query)
    {
        if (_known is { } known && time.GetElapsedTime(_read) < FreshFor)
        {
            return known;
        }

        try
        {
            var state = new GrainState<AccessRow>();
            await storage.ReadStateAsync(RowNames.Access, AccessRow.Grain, state);
            _known = new(state.RecordExists ? state.State!.AdministratorTokenSha256 : null);
        }
        catch (Exception e) when (e is KmsException or StorageFailedException)
        {
            LogFailed(e);
            if (_known is null)
            {
                throw (e as KmsException) ?? KmsError.StorageUnavailable.Exception();
            }
        }

        _read = time.GetTimestamp();
        return _known;
    }

    [LoggerMessage(LogLevel.Warning, "access: the row could not be read")]
    private partial void LogFailed(Exception exception);
}
