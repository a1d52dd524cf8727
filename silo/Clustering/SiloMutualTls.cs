using Microsoft.Extensions.Options;
using Orleans.Configuration;
using OrleansKms.Silo.Clustering.Admission;
using OrleansKms.Transport;

namespace OrleansKms.Silo.Clustering;

/// <summary>Protects the traffic between silos, and with clients.</summary>
internal static class SiloMutualTls
{
    /// <summary>
    /// Mutual TLS 1.3 on every connection of the silo, and nothing without it: silos on the silo port, in both directions; silos
    /// and clients on the client port.
    /// </summary>
    /// <param name="silo">The silo.</param>
    /// <param name="files">
    /// A certificate of role <c>okms:silo</c>, its key and the authorities. Read now, and again when replaced.
    /// </param>
    /// <exception cref="StartRefusedException">A file cannot be used; the message is one line that names it.</exception>
    public static ISiloBuilder UseMutualTls(this ISiloBuilder silo, MutualTlsFiles files) =>
        silo.UseMutualTls(files, TimeProvider.System);

    internal static ISiloBuilder UseMutualTls(this ISiloBuilder silo, MutualTlsFiles files, TimeProvider clock)
    {
        silo.Services.AddTlsConnections(files, CertificateRole.Silo, clock);
        silo.Services.AddClientAdmission(clock);
        silo.Services.AddOptions<SiloConnectionOptions>().Configure<TlsConnections, IServiceProvider>((options, tls, services) =>
        {
            options.ConfigureSiloOutboundConnection(tls.Connect);
            options.ConfigureSiloInboundConnection(builder => tls.Answer(builder, "silo", CertificateRole.Silo));
            // Resolved at the first connection: what clients may call is known once the silo knows its own grains.
            options.ConfigureGatewayInboundConnection(builder => tls.Answer(
                builder, "client", CertificateRole.AnyClient, services.GetRequiredService<ClientAdmission>));
        });
        return silo;
    }

    /// <summary>
    /// No protection, as the operator decided. What clients may call is the same: anyone who reaches the silo port can do
    /// everything, but nothing should work here that would fail with certificates.
    /// </summary>
    public static ISiloBuilder UseNoTls(this ISiloBuilder silo)
    {
        silo.Services.AddClientAdmission(TimeProvider.System);
        silo.Services.AddOptions<SiloConnectionOptions>().Configure<IServiceProvider>((options, services) =>
            options.ConfigureGatewayInboundConnection(builder => builder.Use(next => context =>
                services.GetRequiredService<ClientAdmission>().OverPlain(next, context))));
        return silo;
    }

    private static void AddClientAdmission(this IServiceCollection services, TimeProvider clock)
    {
        services.AddSingleton<ClientRights>();
        services.AddUnreadableMessages();
        RefusedCall.AddTo(services);
        // Orleans looks for disconnected clients once in that time, so it keeps what is due to one for at most twice as long.
        services.AddSingleton(provider => new ClientIds(
            2 * provider.GetRequiredService<IOptions<SiloMessagingOptions>>().Value.ClientDropTimeout, clock));
        services.AddSingleton(provider =>
        {
            var log = provider.GetRequiredService<ILoggerFactory>().CreateLogger("OrleansKms.Transport");
            var options = provider.GetRequiredService<IOptions<ClientPortOptions>>();
            return new ClientAdmission(
                provider.GetRequiredService<ClientRights>(), provider.GetRequiredService<ClientIds>(),
                new ConnectionLimit(options, clock, log), new CallLimit(options, clock, log),
                provider.GetRequiredService<ILocalSiloDetails>(), clock, log);
        });
    }
}
