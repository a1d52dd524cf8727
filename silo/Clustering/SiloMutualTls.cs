using Orleans.Configuration;
using OrleansKms.Transport;

namespace OrleansKms.Silo.Clustering;

/// <summary>Protects what silos say to each other and to clients.</summary>
internal static class SiloMutualTls
{
    /// <summary>
    /// Mutual TLS 1.3 on every connection of the silo, and nothing without it: silos on the silo port, in both directions, silos
    /// and clients on the client port.
    /// </summary>
    /// <param name="silo">The silo.</param>
    /// <param name="files">A certificate of role <c>okms:silo</c>, its key and the authorities. Read at once, and again when replaced.</param>
    /// <exception cref="StartRefusedException">A file cannot be used; the message is one line that names it.</exception>
    public static ISiloBuilder UseMutualTls(this ISiloBuilder silo, MutualTlsFiles files) =>
        silo.UseMutualTls(files, TimeProvider.System);

    internal static ISiloBuilder UseMutualTls(this ISiloBuilder silo, MutualTlsFiles files, TimeProvider clock)
    {
        silo.Services.AddTlsConnections(files, CertificateRole.Silo, clock);
        silo.Services.AddOptions<SiloConnectionOptions>().Configure<TlsConnections>((options, tls) =>
        {
            options.ConfigureSiloOutboundConnection(tls.Connect);
            options.ConfigureSiloInboundConnection(builder => tls.Answer(builder, "silo", CertificateRole.Silo));
            options.ConfigureGatewayInboundConnection(
                builder => tls.Answer(builder, "client", CertificateRole.Silo | CertificateRole.Client));
        });
        return silo;
    }
}
