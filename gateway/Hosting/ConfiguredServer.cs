using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;

namespace OrleansKms.Gateway.Hosting;

/// <summary>
/// The web server that listens where its own settings say. They are read when it starts, and any error in them, such as a bad
/// address or a missing certificate, surfaces as an exception of any kind; here it becomes a refused start.
/// </summary>
internal sealed class ConfiguredServer(IServer server) : IServer
{
    /// <inheritdoc/>
    public IFeatureCollection Features => server.Features;

    /// <inheritdoc/>
    public async Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken)
        where TContext : notnull
    {
        try
        {
            await server.StartAsync(application, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new StartRefusedException($"Kestrel:Endpoints cannot be served: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => server.StopAsync(cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => server.Dispose();
}

/// <summary>Puts <see cref="ConfiguredServer"/> in front of the web server.</summary>
internal static class ConfiguredServerExtensions
{
    /// <summary>Refuses a start that the web server's settings make fail, and says why.</summary>
    public static void RefuseWrongEndpoints(this IServiceCollection services)
    {
        var server = services.Last(service => service.ServiceType == typeof(IServer)).ImplementationType
            ?? throw new InvalidOperationException("The web server is not registered by its type.");
        services.AddSingleton<IServer>(provider => new ConfiguredServer((IServer)ActivatorUtilities.CreateInstance(provider, server)));
    }
}
