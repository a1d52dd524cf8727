using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using OrleansKms.Transport;

namespace OrleansKms;

/// <summary>Protects a cluster client's traffic.</summary>
public static class MutualTlsExtensions
{
    /// <summary>
    /// Connects to silos by mutual TLS 1.3 only. The certificate's role must be <c>okms:client</c> (<c>okms:gateway</c> for a
    /// gateway), and the server's <c>okms:silo</c>. The holder of such a certificate has full authority over every key.
    /// </summary>
    /// <param name="client">The Orleans client.</param>
    /// <param name="files">
    /// The certificate, its key and the authorities. They are read now, and again when they are replaced.
    /// </param>
    /// <exception cref="StartRefusedException">A file cannot be used; the message is one line that names it.</exception>
    public static IClientBuilder UseMutualTls(this IClientBuilder client, MutualTlsFiles files) =>
        client.UseMutualTls(files, TimeProvider.System);

    internal static IClientBuilder UseMutualTls(this IClientBuilder client, MutualTlsFiles files, TimeProvider clock) =>
        client.UseMutualTls(files, CertificateRole.AnyClient, clock);

    internal static IClientBuilder UseMutualTls(
        this IClientBuilder client, MutualTlsFiles files, CertificateRole role, TimeProvider clock)
    {
        var identity = client.Services.AddTlsConnections(files, role, clock);
        client.Services.UseClientId(BoundClientId.New(identity.NameDigest));
        client.Services.AddOptions<ClientConnectionOptions>()
            .Configure<TlsConnections>((options, tls) => options.ConfigureConnection(tls.Connect));
        return client;
    }

    /// <summary>
    /// Reads the files now, so that a start is refused before anything else runs, and watches them once the host runs.
    /// </summary>
    /// <returns>What the files held.</returns>
    internal static TlsIdentity AddTlsConnections(
        this IServiceCollection services, MutualTlsFiles files, CertificateRole role, TimeProvider clock)
    {
        var first = TlsIdentitySource.Read(files, role, clock);
        services.AddSingleton(provider => new TlsIdentitySource(
            files, role, first, clock, provider.GetRequiredService<ILoggerFactory>().CreateLogger("OrleansKms.Transport")));
        services.AddSingleton(provider => new TlsConnections(
            provider.GetRequiredService<TlsIdentitySource>(), clock,
            provider.GetRequiredService<ILoggerFactory>().CreateLogger("OrleansKms.Transport")));
        return first;
    }
}
