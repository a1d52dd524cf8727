using System.Security.Cryptography;
using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Hsm;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Sealing;
using OrleansKms.Tests.Unit.Cryptography;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>Keys in the HSM that agree on secrets: by software on the other side, and by hostile keys that never reach the token.</summary>
[Collection(SharedToken.Collection)]
public sealed class HsmAgreementTests(SharedToken shared, HsmContractTests.MadeKeys made) : IClassFixture<SharedToken>, IClassFixture<HsmContractTests.MadeKeys>
{
    public static TheoryData<string> Specs => new(HsmMechanism.All.OfType<HsmAgreement>().Select(m => m.Spec));

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task Secret_IsThatOfSoftwareOnTheOtherSide_AndLeavesNothing(string spec)
    {
        var key = await made.Get(shared, spec, KeyUsage.KeyAgreement);
        using var agrees = key.Open(shared).Require<IAgrees>();
        Assert.True(agrees.IsAvailable);

        // Enough for one whose first byte is zero now and then: none is dropped.
        for (var i = 0; i < 20; i++)
        {
            using var material = await key.Algorithm.NewMaterial();
            using var other = key.Algorithm.Open(KeyUsage.KeyAgreement, "other", 1, material.Span).Require<IAgrees>();
            using var ours = await agrees.Agree(key.Algorithm.PublicPart(material.Span));
            using var theirs = await other.Agree(key.PublicPart);
            Assert.Equal(theirs!.Span.ToArray(), ours!.Span.ToArray());
        }

        Assert.Empty(await shared.Token.Run(
            session => session.Find(
                new Pkcs11Template().Add(CKA.CKA_CLASS, (ulong)CKO.CKO_SECRET_KEY).Add(CKA.CKA_TOKEN, false).Add(CKA.CKA_EXTRACTABLE, true), most: 1000),
            default));
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task WhatIsNoPublicKeyOfTheSpec_NeverReachesTheToken(string spec)
    {
        var key = await made.Get(shared, spec, KeyUsage.KeyAgreement);
        using var agrees = key.Open(shared).Require<IAgrees>();
        using var material = await key.Algorithm.NewMaterial();
        var publicKey = key.Algorithm.PublicPart(material.Span)!;
        List<byte[]> hostile = [[], [0], [.. publicKey, 0], publicKey[1..], publicKey[..^1], material.Span.ToArray()];
        foreach (var other in KeyAlgorithms.All.Where(a => a.Spec != spec && a.Usages.Contains(KeyUsage.KeyAgreement)))
        {
            using var theirs = await other.NewMaterial();
            hostile.Add(other.PublicPart(theirs.Span)!);
        }

        if (spec != "X25519")
        {
            // Off the curve, compressed, infinite, on a curve that the key describes itself, with coordinates beyond the field.
            byte[] off = [.. publicKey];
            off[^1] ^= 1;
            hostile.Add(off);
            using var ecdh = ECDiffieHellman.Create();
            ecdh.ImportSubjectPublicKeyInfo(publicKey, out _);
            var point = ecdh.ExportParameters(includePrivateParameters: false).Q;
            var curve = spec switch { "ECC_NIST_P256" => "1.2.840.10045.3.1.7", "ECC_NIST_P384" => "1.3.132.0.34", _ => "1.3.132.0.35" };
            hostile.Add(EcPublicKey.Spki(curve, [(byte)(2 + (point.Y![^1] & 1)), .. point.X!]));
            hostile.Add(EcPublicKey.Spki(curve, [0]));
            hostile.Add(EcPublicKey.Spki(curve, [4, .. new byte[2 * point.X!.Length]]));
            hostile.Add(EcPublicKey.Spki(curve, [4, .. Enumerable.Repeat((byte)0xff, 2 * point.X.Length)]));
            Assert.Equal(publicKey, EcPublicKey.Spki(curve, [4, .. point.X, .. point.Y]));
        }

        var calls = shared.Token.Calls;
        foreach (var bytes in hostile)
        {
            using var secret = await agrees.Agree(bytes);
            Assert.True(secret is null, Convert.ToHexString(bytes));
        }

        Assert.Equal(calls, shared.Token.Calls);
        Assert.True(shared.Token.IsHealthy);
    }

    // RFC 7748, 6.1. What a token answers to such a point does not matter: it gets none.
    [Theory]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    public async Task PointOfLowOrder_OfX25519_LeadsToNoSecret(string point)
    {
        var key = await made.Get(shared, "X25519");
        using var agrees = key.Open(shared).Require<IAgrees>();
        var calls = shared.Token.Calls;
        using var secret = await agrees.Agree(Grains.Cryptography.Agreement.X25519Algorithm.PublicInfo(Convert.FromHexString(point)));
        Assert.Null(secret);
        Assert.Equal(calls, shared.Token.Calls);
        using var material = await key.Algorithm.NewMaterial();
        using var good = await agrees.Agree(key.Algorithm.PublicPart(material.Span));
        Assert.NotNull(good);
    }

    [Fact]
    public async Task TokenWhoseSecretsAreWrong_HoldsNoKeysThatAgree_AndKeepsThoseThatItMakesNow()
    {
        Assert.True(KeyAlgorithms.TryFind("ECC_NIST_P256", out var algorithm));
        var keys = shared.Keys("wrong secrets");
        using (SharedToken.Switch("derives-wrong"))
        {
            using var proofs = new HsmProofs(shared.Token, SharedToken.Options, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<HsmProofs>.Instance);
            await proofs.ProveAll(default);
            var untrusting = new HsmKeyProvider(
                shared.Token, proofs, 1, "wrong secrets", TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<HsmKeyProvider>.Instance);
            Assert.Equal(
                "The HSM does not support keys of this spec with this usage: The token's CKM_ECDH1_DERIVE leads to another secret.",
                await untrusting.WhyUnsupported(algorithm, KeyUsage.KeyAgreement));
            Assert.Null(await untrusting.WhyUnsupported(algorithm, KeyUsage.SignVerify));

            // Nor is a key taken whose private part does not fit.
            var files = SharedToken.KeyFiles.Count;
            var refusal = await Assert.ThrowsAsync<KmsException>(async () => await keys.Generate(algorithm, KeyUsage.KeyAgreement, new("wrong", Incarnation.New(), 1)));
            Assert.Equal("hsm_unavailable", refusal.Code);
            Assert.Equal(files, SharedToken.KeyFiles.Count);
        }

        (await keys.Generate(algorithm, KeyUsage.KeyAgreement, new("right", Incarnation.New(), 1))).Dispose();
        Assert.True(shared.Token.IsHealthy);
    }
}
