using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Signatures;
using OrleansKms.Grains.Hsm;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Sealing;
using Xunit.Abstractions;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>
/// What a module can do with keys of each spec and usage: SoftHSM, or the one that the variable names. See deploy/HSM-MODULES.md.
/// </summary>
[Collection(SharedToken.Collection)]
public sealed class HsmModuleTests(SharedToken shared, ITestOutputHelper log) : IClassFixture<SharedToken>
{
    /// <summary>The variable: a PKCS#11 URI with a PIN.</summary>
    private const string Variable = "OKMS_TEST_HSM_ADDRESS";

    [Fact]
    public async Task EveryKeyThatItIsFoundToHold_IsMadeUsedAndDestroyed()
    {
        var options = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } address
            ? HsmOptions.Read(address, pin: null) with { Sessions = 2, Timeout = TimeSpan.FromSeconds(30) }
            : SharedToken.Options;
        using var token = new HsmToken(options, TimeProvider.System, NullLogger<HsmToken>.Instance, NullLogger<HsmConnection>.Instance);
        await token.Connect(default);
        using var proofs = new HsmProofs(token, options, TimeProvider.System, NullLogger<HsmProofs>.Instance);
        await proofs.ProveAll(default);
        Assert.True(shared.Token.IsHealthy);

        var service = Guid.NewGuid().ToString("N");
        var keys = new HsmKeyProvider(token, proofs, 2, service, TimeProvider.System, NullLogger<HsmKeyProvider>.Instance);
        var held = 0;
        foreach (var mechanism in HsmMechanism.All.Where(m => m is not HsmAesGcm && (m is not HsmRsaOaep || m.Spec == "RSA_2048")))
        {
            Assert.True(KeyAlgorithms.TryFind(mechanism.Spec, out var algorithm));
            var refusal = await keys.WhyUnsupported(algorithm, mechanism.Usages[0]);
            log.WriteLine($"{mechanism.Spec} {mechanism.Usages[0]}: {refusal ?? string.Join(' ', mechanism.Lacks(proofs.Find(mechanism)!).Prepend("held, without:"))}");
            if (refusal is null)
            {
                held++;
                await Use(token, keys, service, algorithm, mechanism.Usages[0]);
            }
        }

        Assert.NotEqual(0, held);
    }

    private static async Task Use(HsmToken token, HsmKeyProvider keys, string service, KeyAlgorithm algorithm, KeyUsage usage)
    {
        var name = new KeyVersionName("module", Incarnation.New(), 1);
        using var made = await keys.Generate(algorithm, usage, name);
        using (var version = keys.Open(algorithm, usage, name, made.Kept.Span, made.PublicPart))
        {
            var message = RandomNumberGenerator.GetBytes(1000);
            if (version is IMacs macs)
            {
                var mac = await macs.Mac(message);
                Assert.True(await macs.VerifyMac(message, mac));
                Assert.False(await macs.VerifyMac((byte[])[.. message, 0], mac));
            }
            else if (version is IAgrees agrees)
            {
                using var material = await algorithm.NewMaterial();
                using var other = algorithm.Open(KeyUsage.KeyAgreement, "other", 1, material.Span).Require<IAgrees>();
                using var ours = await agrees.Agree(algorithm.PublicPart(material.Span));
                using var theirs = await other.Agree(made.PublicPart);
                Assert.Equal(theirs!.Span, ours!.Span);
            }
            else if (version is IDecryptsByPrivateKey decrypts)
            {
                using var encrypts = keys.OpenPublic(algorithm, usage, 1, made.PublicPart)!.Require<IEncryptsByPublicKey>();
                foreach (var offered in keys.AlgorithmNames(algorithm, usage))
                {
                    var scheme = encrypts.Schemes.Single(one => one.Name == offered);
                    Assert.Equal(message[..100], await decrypts.Decrypt(scheme, encrypts.Encrypt(scheme, message.AsSpan(0, 100))));
                }
            }
            else
            {
                var signs = version.Require<ISigns>();
                using var verifies = algorithm.OpenPublic(KeyUsage.SignVerify, 1, made.PublicPart)!.Require<IVerifies>();
                foreach (var scheme in signs.Schemes)
                {
                    var input = SignatureInput.Of(signs.Schemes, new(message, Algorithm: scheme.Name));
                    Assert.True(verifies.Verify(input, await signs.Sign(input)), scheme.Name);
                }
            }
        }

        var inventory = new HsmInventory(token, service, TimeProvider.System);
        Assert.Equal("module v1", Assert.Single(await inventory.List(default)).Label);
        await keys.Destroy(name);
        Assert.Empty(await inventory.List(default));
    }
}
