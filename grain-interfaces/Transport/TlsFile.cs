using OrleansKms.Configuration;

namespace OrleansKms.Transport;

/// <summary>One of the three files, in an operator's terms.</summary>
/// <param name="What">What it holds.</param>
/// <param name="Setting">The setting that names it.</param>
/// <param name="Path">Where it is.</param>
internal sealed record TlsFile(string What, string Setting, string Path)
{
    /// <summary>The authorities.</summary>
    public static TlsFile Authority(MutualTlsFiles files) => new("certificate authority", SettingTable.TlsAuthority.Name, files.AuthorityFile);

    /// <summary>This process's certificate.</summary>
    public static TlsFile Certificate(MutualTlsFiles files) => new("certificate", SettingTable.TlsCertificate.Name, files.CertificateFile);

    /// <summary>Its key.</summary>
    public static TlsFile Key(MutualTlsFiles files) => new("private key", SettingTable.TlsKey.Name, files.KeyFile);

    /// <summary>Why the file cannot be used, in one line that names it.</summary>
    public StartRefusedException Unusable(string why, Exception? cause = null) =>
        new($"{Setting}: the {What} file {Path} {why}", cause);
}
