using OrleansKms.Gateway.Rest.Cryptography;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Tests.Fuzz;

/// <summary>Targets: what reads the public keys of strangers, as text in the gateway and as DER in a key that agrees.</summary>
public class PublicKeyFuzz
{
    [Theory]
    [InlineData("X25519")]
    [InlineData("ECC_NIST_P256")]
    [InlineData("ECC_NIST_P521")]
    public async Task Agree_HostileBytes_IsRefusedOrOneSecret(string spec)
    {
        Assert.True(KeyAlgorithms.TryFind(spec, out var algorithm));
        using var material = await algorithm.NewMaterial();
        using var peer = await algorithm.NewMaterial();
        byte[][] genuine = [algorithm.PublicPart(material.Span)!, algorithm.PublicPart(peer.Span)!];
        using var version = algorithm.Open(KeyUsage.KeyAgreement, "k", 1, material.Span);
        var agrees = version.Require<IAgrees>();
        var hostile = new HostileBytes(HostileBytes.Seed);
        for (var round = 0; round < HostileBytes.Rounds / 20; round++)
        {
            var bytes = hostile.Of(genuine);
            using var secret = await agrees.Agree(bytes);

            // Nothing but a public key's own length is ever one, and a secret is never all zeros.
            if (secret is not null && (bytes.Length != genuine[0].Length || !secret.Span.ContainsAnyExcept((byte)0)))
            {
                Assert.Fail($"seed {HostileBytes.Seed}, round {round}: {Convert.ToHexString(bytes)}");
            }
        }

        using var good = await agrees.Agree(genuine[1]);
        Assert.NotNull(good);
    }

    [Fact]
    public async Task Parse_HostileText_IsBytesOrRefused()
    {
        Assert.True(KeyAlgorithms.TryFind("X25519", out var algorithm));
        using var material = await algorithm.NewMaterial();
        var der = algorithm.PublicPart(material.Span)!;
        var pem = System.Security.Cryptography.PemEncoding.WriteString("PUBLIC KEY", der);
        var hostile = new HostileText(pem, pem + "\r\n", Convert.ToBase64String(der), Convert.ToBase64String(der[^32..]));
        var read = 0;
        for (var round = 0; round < HostileBytes.Rounds; round++)
        {
            var text = hostile.Next();
            try
            {
                Assert.True(PublicKeyText.Parse(text, "public_key").Length <= KmsLimits.PeerPublicKeyBytes, HostileText.At(round, text));
                read++;
            }
            catch (KmsException e) when (e.Error == KmsError.InvalidParameter || e.Error == KmsError.PayloadTooLarge)
            {
                // It is neither.
            }
        }

        Assert.InRange(read, HostileBytes.Rounds / 100, HostileBytes.Rounds);
    }
}
