using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using OrleansKms.Gateway.Access;
using OrleansKms.Transport;

namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>What a connection keeps of its client's certificate: enough to check it again when the authorities were replaced.</summary>
public sealed class ClientCertificateTests : IDisposable
{
    private static readonly DateTimeOffset _now = DateTimeOffset.UtcNow;

    private readonly X509Certificate2 _root = Authority("root", null, TimeSpan.FromDays(300));
    private readonly X509Certificate2 _between;
    private readonly X509Certificate2 _leaf;

    public ClientCertificateTests()
    {
        _between = Authority("between", _root, TimeSpan.FromDays(10));
        _leaf = Issue("CN=leaf", _between, TimeSpan.FromDays(20), isAuthority: false);
    }

    public void Dispose()
    {
        foreach (var certificate in (X509Certificate2[])[_root, _between, _leaf]) certificate.Dispose();
    }

    [Fact]
    public void IntermediateThatTheClientSends_CountsAtEachCheck_AndItsEndIsTheCertificates()
    {
        using var other = Authority("other", null, TimeSpan.FromDays(300));
        var (first, second, without) = (Trust(_root), Trust(_root, other), Trust(other));
        var shown = Show(first, _between);
        Assert.Equal(["certificate:spiffe://shop/leaf", "certificate:leaf.example"], shown.Credentials);
        Assert.Null(shown.JudgedBy(first).RefusalAt(_now));
        // Checked anew, with what the client sent in its handshake.
        var again = shown.JudgedBy(second);
        Assert.Same(second, again.By);
        Assert.Null(again.RefusalAt(_now));
        Assert.Same(again, shown.JudgedBy(second));
        Assert.Equal(_between.NotAfter, again.NotAfter.LocalDateTime);
        Assert.Equal("has expired", again.RefusalAt(again.NotAfter));
        Assert.Equal("is not valid yet", again.RefusalAt(_now.AddDays(-2)));

        Assert.Equal("comes from no trusted authority", shown.JudgedBy(without).RefusalAt(_now));
        // Its connection is closed: that it would be good now is for the next one to say.
        Assert.Equal("comes from no trusted authority", shown.JudgedBy(first).RefusalAt(_now));
    }

    [Fact]
    public void WithoutItsIntermediate_ItIsRefused() =>
        Assert.Equal("comes from no trusted authority", Show(Trust(_root)).JudgedBy(Trust(_root)).RefusalAt(_now));

    [Fact]
    public void IntermediateAlone_IsNoRoot() =>
        Assert.Equal("comes from no trusted authority", Show(Trust(_between)).JudgedBy(Trust(_between)).RefusalAt(_now));

    private static TrustedAuthorities Trust(params X509Certificate2[] authorities) => TrustedAuthorities.Read(
        string.Join('\n', authorities.Select(authority => authority.ExportCertificatePem())), (why, _) => new InvalidDataException(why));

    /// <summary>As a handshake does.</summary>
    private ClientCertificate Show(TrustedAuthorities authorities, params X509Certificate2[] sent)
    {
        using var chain = new X509Chain { ChainPolicy = authorities.PolicyFor(PeerCheck.ClientAuthentication) };
        chain.ChainPolicy.ExtraStore.AddRange(sent);
        var errors = chain.Build(_leaf) ? SslPolicyErrors.None : SslPolicyErrors.RemoteCertificateChainErrors;
        Assert.False(ClientCertificate.IsTooLarge(_leaf, chain));
        return ClientCertificate.Shown(_leaf, chain, errors, authorities);
    }

    private static X509Certificate2 Authority(string name, X509Certificate2? issuer, TimeSpan life) => Issue("CN=" + name, issuer, life, isAuthority: true);

    private static X509Certificate2 Issue(string subject, X509Certificate2? issuer, TimeSpan life, bool isAuthority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(isAuthority ? X509KeyUsageFlags.KeyCertSign : X509KeyUsageFlags.DigitalSignature, true));
        if (!isAuthority)
        {
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([PeerCheck.ClientAuthentication], false));
            var names = new SubjectAlternativeNameBuilder();
            names.AddUri(new Uri("spiffe://shop/leaf"));
            names.AddEmailAddress("leaf@shop.example");
            names.AddDnsName("Leaf.Example");
            request.CertificateExtensions.Add(names.Build());
        }

        if (issuer is null) return request.CreateSelfSigned(_now.AddDays(-1), _now + life);
        // By name, as the platform's own issuing refuses one that outlives its issuer.
        using var signing = issuer.GetECDsaPrivateKey()!;
        using var certificate = request.Create(
            issuer.SubjectName, X509SignatureGenerator.CreateForECDsa(signing), _now.AddHours(-1), _now + life, RandomNumberGenerator.GetBytes(16));
        return isAuthority ? certificate.CopyWithPrivateKey(key) : X509CertificateLoader.LoadCertificate(certificate.RawData);
    }
}
