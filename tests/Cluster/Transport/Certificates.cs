using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Transport;

/// <summary>An authority and what it signed, made by deploy/certs.sh as an operator would; what no operator would make is made here.</summary>
internal sealed class Certificates : IDisposable
{
    public const string ServerUsage = "1.3.6.1.5.5.7.3.1";
    public const string ClientUsage = "1.3.6.1.5.5.7.3.2";

    private readonly TemporaryDirectory _directory = new();

    public Certificates() => Made("ca");

    public string Directory => _directory.Path;

    public string Authority => _directory.Of("ca.pem");

    /// <summary>Runs the script on this directory.</summary>
    public (int Code, string Output, string Errors) Run(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(Repository.Root, "deploy", "certs.sh"), ["--dir", Directory, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, errors.GetAwaiter().GetResult());
    }

    public MutualTlsFiles Silo(string name) => MadeFor("silo", name);

    public MutualTlsFiles Gateway(string name) => MadeFor("gateway", name);

    public MutualTlsFiles Client(string name) => MadeFor("client", name);

    /// <summary>Where a certificate of this name is.</summary>
    public MutualTlsFiles Files(string name) => new(Authority, _directory.Of($"{name}.pem"), _directory.Of($"{name}.key"));

    /// <summary>Signs a certificate that the script would not make.</summary>
    public MutualTlsFiles Sign(
        string name, string[]? uris = null, string[]? usages = null, TimeSpan? validFrom = null, TimeSpan? validFor = null, string[]? hosts = null,
        string? file = null)
    {
        using var authority = X509Certificate2.CreateFromPemFile(Authority, _directory.Of("ca.key"));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = RequestFor(name, key, uris ?? [], usages ?? [ServerUsage, ClientUsage], hosts ?? []);
        var notBefore = DateTimeOffset.UtcNow + (validFrom ?? TimeSpan.FromMinutes(-1));
        using var authorityKey = authority.GetECDsaPrivateKey()!;
        using var certificate = request.Create(
            authority.SubjectName, X509SignatureGenerator.CreateForECDsa(authorityKey),
            notBefore, notBefore + (validFor ?? TimeSpan.FromDays(1)), RandomNumberGenerator.GetBytes(16));
        return Write(file ?? name, certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>Makes a certificate that is its own authority.</summary>
    public MutualTlsFiles SelfSign(string name, params string[] uris)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = RequestFor(name, key, uris, [ServerUsage, ClientUsage], [])
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddDays(1));
        return Write(name, certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    public MutualTlsFiles Write(string name, string certificate, string key)
    {
        var files = Files(name);
        File.WriteAllText(files.CertificateFile, certificate);
        using (var file = new FileStream(files.KeyFile, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        using (var writer = new StreamWriter(file))
        {
            writer.Write(key);
        }
        return files;
    }

    /// <summary>Puts others into the place of files that are in use.</summary>
    public static void Replace(MutualTlsFiles by, MutualTlsFiles files)
    {
        if (by.AuthorityFile != files.AuthorityFile) File.Copy(by.AuthorityFile, files.AuthorityFile, overwrite: true);
        File.Copy(by.CertificateFile, files.CertificateFile, overwrite: true);
        File.Copy(by.KeyFile, files.KeyFile, overwrite: true);
    }

    public void Dispose() => _directory.Dispose();

    private MutualTlsFiles MadeFor(string kind, string name)
    {
        Made(kind, name, "localhost", "127.0.0.1");
        return Files(name);
    }

    public void Made(params string[] arguments)
    {
        var (code, output, errors) = Run(arguments);
        Assert.True(code == 0, $"{code}\n{output}\n{errors}");
    }

    private static CertificateRequest RequestFor(string name, ECDsa key, string[] uris, string[] usages, string[] hosts)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        if (usages.Length > 0)
        {
            var oids = new OidCollection();
            foreach (var usage in usages) oids.Add(new Oid(usage));
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(oids, false));
        }
        if (uris.Length + hosts.Length > 0)
        {
            var names = new SubjectAlternativeNameBuilder();
            foreach (var uri in uris) names.AddUri(new Uri(uri));
            foreach (var host in hosts) names.AddDnsName(host);
            request.CertificateExtensions.Add(names.Build());
        }
        return request;
    }
}
