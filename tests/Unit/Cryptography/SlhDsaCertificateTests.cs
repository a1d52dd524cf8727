using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Signatures;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>The self-signed certificate of RFC 9909 (appendix C), whose signature others made by the external, pure SLH-DSA-SHA2-128s.</summary>
public sealed class SlhDsaCertificateTests
{
    [Rfc9909Fact]
    public void Certificate_VerifiesUnderItsOwnKey_AndNotOnceChanged()
    {
        using var certificate = X509CertificateLoader.LoadCertificate(Der());
        var parts = new AsnReader(certificate.RawDataMemory, AsnEncodingRules.DER).ReadSequence();
        var signed = parts.ReadEncodedValue().ToArray();
        parts.ReadSequence();
        var signature = parts.ReadBitString(out _);
        var algorithm = SignaturePair.Of("SLH_DSA_SHA2_128S");
        using var imported = algorithm.Import(KeyUsage.SignVerify, certificate.PublicKey.ExportSubjectPublicKeyInfo());
        using var key = algorithm.OpenPublic(KeyUsage.SignVerify, 1, imported!.PublicPart)!.Require<IVerifies>();

        Assert.True(Verifies(signed));
        signed[^1] ^= 1;
        Assert.False(Verifies(signed));

        bool Verifies(byte[] message) => key.Verify(SignatureInput.Of(key.Schemes, new(message)), signature);
    }

    private static byte[] Der()
    {
        var pem = File.ReadAllText(Rfc9909FactAttribute.File!);
        return Convert.FromBase64String(pem[PemEncoding.Find(pem).Base64Data]);
    }
}
