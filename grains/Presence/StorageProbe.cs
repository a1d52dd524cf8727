using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Presence;

/// <summary>
/// Checks every few seconds whether the database can do its work, so that a health check costs nothing and waits for nothing:
/// whether it answers, whether its disk has room, and whether this silo's heartbeat is committed, as a change would have to be.
/// </summary>
internal sealed partial class StorageProbe(
    Database database, SiloPresence presence, DatabaseOptions options, TimeProvider time, ILogger<StorageProbe> logger)
    : BackgroundService, IStorageHealth
{
    private volatile bool _isHealthy;

    /// <inheritdoc/>
    public bool IsHealthy => _isHealthy && presence.IsFresh;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.ProbeInterval, time);
        var isFirst = true;
        do
        {
            var failure = await Probe(stoppingToken);
            if (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            Report(failure, isFirst);
            isFirst = false;
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    // One line for each change, and not for each probe while a database is down for an hour.
    private void Report(Exception? failure, bool isFirst)
    {
        var wasHealthy = _isHealthy;
        _isHealthy = failure is null;
        if (failure is not null && (wasHealthy || isFirst))
        {
            DatabaseDown(database.Explain(failure));
        }
        else if (failure is null && !wasHealthy && !isFirst)
        {
            DatabaseBack();
        }
    }

    private async Task<Exception?> Probe(CancellationToken stoppingToken)
    {
        using var timeout = new CancellationTokenSource(options.ProbeTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stoppingToken);
        try
        {
            if (!await database.Read(() => Ask(either.Token)).WaitAsync(either.Token))
            {
                return new InvalidOperationException("It is read-only, or its settings allow it to lose acknowledged writes.");
            }

            await database.RequireRoom(either.Token).WaitAsync(either.Token);
            return presence.WriteFailure;
        }
        catch (Exception e)
        {
            database.CloseIdle();
            return timeout.IsCancellationRequested ? new TimeoutException("The database did not answer in time.", e) : e;
        }
    }

    private async Task<bool> Ask(CancellationToken cancellationToken)
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(database.Probe);
        return Convert.ToBoolean(await command.ExecuteScalarAsync(cancellationToken), CultureInfo.InvariantCulture);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The database cannot do its work: {Reason}")]
    private partial void DatabaseDown(string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "The database does its work again")]
    private partial void DatabaseBack();
}
