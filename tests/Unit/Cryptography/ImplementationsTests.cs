using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Encapsulation;
using OrleansKms.Grains.Cryptography.Signatures;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>Which implementations the vectors run over here, and that two of the same algorithm are the same to everybody else.</summary>
public sealed class ImplementationsTests
{
    /// <summary>BouncyCastle's is tried everywhere; the platform's exactly where there is one.</summary>
    [Fact]
    public void EveryImplementationThatIsSupported_IsTried()
    {
        var kems = Implementations.Kems.Select(row => ((string)row[0], (string)row[1])).ToList();
        var signatures = Implementations.Signatures.Select(row => ((string)row[0], (string)row[1])).ToList();
        foreach (var spec in (string[])["ML_KEM_512", "ML_KEM_768", "ML_KEM_1024", "X_WING"])
        {
            Assert.Contains((spec, Implementations.Library), kems);
        }

        foreach (var spec in (string[])["ML_DSA_44", "ML_DSA_65", "ML_DSA_87"])
        {
            Assert.Contains((spec, Implementations.Library), signatures);
        }

        Assert.Equal(MLKem.IsSupported, kems.Contains(("ML_KEM_768", Implementations.Platform)));
        Assert.Equal(MLDsa.IsSupported, signatures.Contains(("ML_DSA_65", Implementations.Platform)));
        Assert.Equal(SHA3_256.IsSupported && Shake256.IsSupported, kems.Exists(row => row is ("X_WING", not Implementations.Library)));
    }

    [Theory]
    [MemberData(nameof(Implementations.Kems), MemberType = typeof(Implementations))]
    public async Task Kem_OfTheService_AndThisOne_AreTheSame(string spec, string implementation)
    {
        var material = await AlgorithmRegistry.Material(spec, 1);
        using var theirs = new KemPair(KemPair.Of(spec), material);
        using var ours = new KemPair(Implementations.Kem(spec, implementation), material);
        Assert.Equal(theirs.PublicPart, ours.PublicPart);
        var (ciphertext, secret) = ours.Encapsulate();
        Assert.Equal(secret, theirs.Decapsulate(ciphertext));
        (ciphertext, secret) = theirs.Encapsulate();
        Assert.Equal(secret, ours.Decapsulate(ciphertext));
        ciphertext[0] ^= 1;
        Assert.Equal(theirs.Decapsulate(ciphertext), ours.Decapsulate(ciphertext));
    }

    [Theory]
    [MemberData(nameof(Implementations.Signatures), MemberType = typeof(Implementations))]
    public async Task Signature_OfTheService_AndThisOne_AreTheSame(string spec, string implementation)
    {
        var material = await AlgorithmRegistry.Material(spec, 1);
        using var theirs = SignaturePair.From(SignaturePair.Of(spec), material);
        using var ours = SignaturePair.From(Implementations.Signature(spec, implementation), material);
        Assert.Equal(theirs.PublicPart, ours.PublicPart);
        var item = new SignItem([1, 2, 3], Context: [4]);
        Assert.True(theirs.Verify(item, await ours.Sign(item)));
        Assert.True(ours.Verify(item, await theirs.Sign(item)));
    }

    /// <summary>
    /// Also where the platform has none, so that its branch cannot run: what either keeps the other takes, and the platform's lengths, by which
    /// public keys are framed, are BouncyCastle's.
    /// </summary>
    [Fact]
    public async Task PlatformsBranch_HasTheSameForms()
    {
        var kems = MlKemAlgorithm.On(platform: true).Zip(MlKemAlgorithm.On(platform: false)).ToList();
        var signatures = MlDsaAlgorithm.On(platform: true).Zip(MlDsaAlgorithm.On(platform: false)).ToList();
        (KeyAlgorithm Platform, KeyAlgorithm Library)[] pairs = [.. kems.Select(pair => ((KeyAlgorithm, KeyAlgorithm))pair), .. signatures.Select(pair => ((KeyAlgorithm, KeyAlgorithm))pair)];
        foreach (var (platform, library) in pairs)
        {
            using var theirs = await platform.NewMaterial();
            using var ours = await library.NewMaterial();
            Assert.Equal(platform.Spec, library.Spec);
            Assert.True(library.Accepts(theirs.Span) && platform.Accepts(ours.Span));
            Assert.Equal(ours.Span[..22].ToArray(), theirs.Span[..22].ToArray());
            using var opened = library.Open(library.Usages[0], "key", 1, theirs.Span);
        }

        MLKemAlgorithm[] kemSets = [MLKemAlgorithm.MLKem512, MLKemAlgorithm.MLKem768, MLKemAlgorithm.MLKem1024];
        foreach (var (set, (_, library)) in kemSets.Zip(kems))
        {
            using var pair = new KemPair(library, (await library.NewMaterial()).Span);
            var (ciphertext, secret) = pair.Encapsulate();
            Assert.Equal((set.CiphertextSizeInBytes, set.SharedSecretSizeInBytes, set.PrivateSeedSizeInBytes), (ciphertext.Length, secret.Length, MlKemAlgorithm.SeedLength));
            Assert.Equal(set.EncapsulationKeySizeInBytes, Org.BouncyCastle.Security.PublicKeyFactory.CreateKey(pair.PublicPart) is Org.BouncyCastle.Crypto.Parameters.MLKemPublicKeyParameters key ? key.GetEncoded().Length : 0);
        }

        MLDsaAlgorithm[] signatureSets = [MLDsaAlgorithm.MLDsa44, MLDsaAlgorithm.MLDsa65, MLDsaAlgorithm.MLDsa87];
        foreach (var (set, (_, library)) in signatureSets.Zip(signatures))
        {
            using var pair = SignaturePair.From(library, (await library.NewMaterial()).Span);
            Assert.Equal(set.SignatureSizeInBytes, (await pair.Sign(new([1]))).Length);
            Assert.Equal(set.PublicKeySizeInBytes, Org.BouncyCastle.Security.PublicKeyFactory.CreateKey(pair.PublicPart) is Org.BouncyCastle.Crypto.Parameters.MLDsaPublicKeyParameters key ? key.GetEncoded().Length : 0);
        }
    }

    [Fact]
    public void Service_UsesThePlatform_WhereItIsSupported()
    {
        // They can be told apart by what they keep alone, so this looks at what an opened key is.
        using var kem = KemPair.Of("ML_KEM_768").OpenPrivate(new byte[64]);
        Assert.Equal(MLKem.IsSupported, kem is PlatformMlKemKey);
        Assert.Equal(!MLKem.IsSupported, kem is BouncyMlKemKey);
        using var signature = ((MlDsaAlgorithm)SignaturePair.Of("ML_DSA_65")).OpenSeed(new byte[32]);
        Assert.Equal(MLDsa.IsSupported, signature is PlatformMlDsaKey);
        Assert.Equal(!MLDsa.IsSupported, signature is BouncyMlDsaKey);
    }
}
