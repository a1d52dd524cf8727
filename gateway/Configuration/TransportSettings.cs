using OrleansKms.Configuration;

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
    /// OKMS_INSECURE_CLUSTER_NETWORK: run without certificates, so that anyone who reaches the ports can read plaintexts and has
    /// full authority over every key. Only for trials on a single machine.
    /// </summary>
    public required bool Insecure { get; init; }

    /// <summary>Reads and checks them.</summary>
    internal static TransportSettings Read(SettingsReader reader)
    {
        var (ca, certificate, key) =
            (reader.Text(SettingTable.TlsAuthority), reader.Text(SettingTable.TlsCertificate), reader.Text(SettingTable.TlsKey));
        var insecure = reader.Read(SettingTable.InsecureClusterNetwork);
        var age = reader.Read(SettingTable.TlsMaxConnectionAge);
        var files = (ca, certificate, key) switch
        {
            (null, null, null) => null,
            (not null, not null, not null) => new MutualTlsFiles(Path.GetFullPath(ca), Path.GetFullPath(certificate), Path.GetFullPath(key))
            {
                MaxConnectionAge = age,
            },
            (null, _, _) => throw new SettingException(SettingTable.TlsAuthority, "is missing: a certificate needs the authority that the others' certificates come from."),
            (_, null, _) => throw new SettingException(SettingTable.TlsCertificate, "is missing."),
            _ => throw new SettingException(SettingTable.TlsKey, "is missing."),
        };
        return files is null || !insecure
            ? new TransportSettings { MutualTls = files, Insecure = insecure }
            : throw new SettingException(SettingTable.InsecureClusterNetwork, "contradicts OKMS_TLS_CA, which means that there "
                + "are certificates.");
    }

    /// <summary>Refuses a cluster without a decision about its network.</summary>
    /// <exception cref="SettingException">There are no certificates, and plaintext was not chosen.</exception>
    internal void RequireDecision()
    {
        if (MutualTls is null && !Insecure)
        {
            throw new SettingException(
                SettingTable.TlsCertificate, "is missing: members of a cluster authenticate each other by certificates (deploy/certs.sh makes them).");
        }
    }
}
