using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Presence;

/// <summary>
/// Finds out every few seconds whether the database can do its work, so that a health check costs and waits for nothing: whether it
/// answers, whether there is room on its disk, and whether the row that this silo writes to say that it runs is committed, as that
/// of a change would be.
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

    // Once for each change: a database that is down for an hour is one line, and not one for each probe.
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
                return new InvalidOperationException("It takes no writes, or runs with settings by which it may lose them.");
            }

            await database.RequireRoom(either.Token).WaitAsync(either.Token);
            return presence.WriteFailure;
        }
        catch (Exception e)
        {
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
