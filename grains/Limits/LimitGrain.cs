using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Storage;
using OrleansKms.Grains.Clocks;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Limits;

/// <summary>
/// One limit across all gateways. For windows of a minute or more, the count is stored before uses are granted, so that it survives this
/// silo; shorter windows are over too soon for that to matter. While the database does not answer, the count continues in memory: exceeding
/// a limit does less harm than stopping everyone.
/// </summary>
[GrainType("limit")]
public sealed partial class LimitGrain : Grain, ILimitGrain
{
    private static readonly TimeSpan _minStored = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _maxIdle = TimeSpan.FromHours(1);

    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly RowSlot<LimitRow> _slot;
    private readonly SharedWindow _window = new();

    /// <summary>Makes an activation. Nothing is read before the first call.</summary>
    public LimitGrain(
        [FromKeyedServices(StorageNames.Sealed)] IGrainStorage storage, [FromKeyedServices(ClockNames.Keys)] TimeProvider time,
        ILogger<LimitGrain> logger, IGrainContext context) =>
        (_time, _logger, _slot) = (time, logger, new(storage, context.GrainId, RowNames.Limit));

    /// <inheritdoc/>
    public async ValueTask<ReservedUses> Reserve(ReserveUses request)
    {
        if (request.Count < 1 || request.Needed < 1 || request.Per < KmsLimits.MinLimitWindow || request.Per > KmsLimits.MaxLimitWindow)
        {
            throw KmsError.InvalidParameter.Exception();
        }

        var isStored = request.Per >= _minStored && await Load();
        var answer = _window.Reserve(request, _time.GetUtcNow().ToUnixTimeMilliseconds(), isStored);
        if (isStored && (answer.Granted > 0 || request.Alone > 0))
        {
            await Store();
        }
        else if (!isStored && answer.EndsIn > TimeSpan.Zero)
        {
            // A count that is only in memory stays until its window is over.
            DelayDeactivation(answer.EndsIn < _maxIdle ? answer.EndsIn : _maxIdle);
        }

        return answer;
    }

    private async Task<bool> Load()
    {
        try
        {
            while (_slot.NeedsRead)
            {
                await _slot.Read();
                if (_slot.Row is { } row)
                {
                    _window.Resume(row.Window, row.Granted);
                }
            }

            return true;
        }
        catch (Exception e) when (e is StorageFailedException or KmsException)
        {
            LogNotStored(e);
            return false;
        }
    }

    private async Task Store()
    {
        try
        {
            await _slot.Write(new()
            {
                Incarnation = _slot.Row?.Incarnation ?? Incarnation.New(),
                Window = _window.Start,
                Granted = _window.Granted,
            });
        }
        catch (InconsistentStateException)
        {
            // Another activation grants uses as well: read next what it has stored.
            DeactivateOnIdle();
            throw KmsError.Unavailable.Exception();
        }
        catch (StorageFailedException e)
        {
            LogNotStored(e);
        }
    }

    [LoggerMessage(LogLevel.Warning, "limit: the count of a window could not be read or stored; it continues in memory")]
    private partial void LogNotStored(Exception exception);
}
