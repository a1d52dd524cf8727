using Microsoft.Extensions.Options;
using Orleans.Configuration;
using OrleansKms.Gateway.Observability;

namespace OrleansKms.Silo.Clustering;

/// <summary>This silo's own membership; resolved only once the silo has started, which creates what it depends on.</summary>
internal sealed class OwnMembership(IServiceProvider services) : IClusterMembership
{
    private readonly Lazy<ISiloStatusOracle> _silos = new(services.GetRequiredService<ISiloStatusOracle>);

    /// <inheritdoc/>
    public bool IsActive => _silos.Value.CurrentStatus == SiloStatus.Active;
}

/// <summary>Logs the silo's address, and which silos come and go.</summary>
internal sealed partial class MembershipMessages(
    ISiloStatusOracle silos, IOptions<EndpointOptions> endpoints, ILogger<MembershipMessages> log) : IHostedService, ISiloStatusListener
{
    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var options = endpoints.Value;
        LogAddress(log, silos.SiloAddress, options.GatewayPort, options.SiloListeningEndpoint, options.GatewayListeningEndpoint);
        silos.SubscribeToSiloStatusEvents(this);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken)
    {
        silos.UnSubscribeFromSiloStatusEvents(this);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void SiloStatusChangeNotification(SiloAddress updatedSilo, SiloStatus status)
    {
        if (status is SiloStatus.Active or SiloStatus.Dead)
        {
            LogMember(log, updatedSilo, status);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "This silo is {Silo}; it takes clients at port {ClientPort}, and listens on {SiloEndPoint} and {ClientEndPoint}.")]
    private static partial void LogAddress(ILogger log, SiloAddress silo, int clientPort, object? siloEndPoint, object? clientEndPoint);

    [LoggerMessage(2, LogLevel.Information, "The silo {Silo} is {Status}.")]
    private static partial void LogMember(ILogger log, SiloAddress silo, SiloStatus status);
}
