namespace OrleansKms.Gateway.Configuration;

/// <summary>How the connections between silos, and between silos and clients, are protected.</summary>
public sealed record TransportSettings
{
    /// <summary>
    /// OKMS_TLS_CA, OKMS_TLS_CERT and OKMS_TLS_KEY: PEM files of the private certificate authority that all members trust, of this
    /// process's certificate and of its private key; all three or none.
    /// </summary>
    public required MutualTlsFiles? MutualTls { get; init; }

    /// <summary>
    /// OKMS_INSECURE_CLUSTER_NETWORK: run without certificates, so that whoever reaches the ports reads plaintexts and holds full
    /// authority over every key. For trying on one machine only. Default false.
    /// </summary>
    public required bool Insecure { get; init; }

    /// <summary>Reads and checks them.</summary>
    internal static TransportSettings Read(SettingsReader reader)
    {
        var (ca, certificate, key) = (reader.Text("OKMS_TLS_CA"), reader.Text("OKMS_TLS_CERT"), reader.Text("OKMS_TLS_KEY"));
        var insecure = reader.Switch("OKMS_INSECURE_CLUSTER_NETWORK", false);
        var age = reader.Duration("OKMS_TLS_MAX_CONNECTION_AGE", TimeSpan.FromHours(24), TimeSpan.FromMinutes(1), TimeSpan.FromDays(30));
        var files = (ca, certificate, key) switch
        {
            (null, null, null) => null,
            (not null, not null, not null) => new MutualTlsFiles(Path.GetFullPath(ca), Path.GetFullPath(certificate), Path.GetFullPath(key))
            {
                MaxConnectionAge = age,
            },
            (null, _, _) => throw new SettingException("OKMS_TLS_CA", "is missing: a certificate needs the authority that the others' certificates come from."),
            (_, null, _) => throw new SettingException("OKMS_TLS_CERT", "is missing."),
            _ => throw new SettingException("OKMS_TLS_KEY", "is missing."),
        };
        return files is null || !insecure
            ? new TransportSettings { MutualTls = files, Insecure = insecure }
            : throw new SettingException("OKMS_INSECURE_CLUSTER_NETWORK", "contradicts OKMS_TLS_CA: there are certificates.");
    }

    /// <summary>Refuses a cluster whose network nobody has thought about.</summary>
    /// <exception cref="SettingException">There are no certificates, and plaintext was not asked for.</exception>
    internal void RequireDecision()
    {
        if (MutualTls is null && !Insecure)
        {
            throw new SettingException(
                "OKMS_TLS_CERT", "is missing: members of a cluster authenticate each other by certificates (deploy/certs.sh makes them).");
        }
    }
}
