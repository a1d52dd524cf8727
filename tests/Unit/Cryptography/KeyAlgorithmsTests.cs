using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>The table of algorithms, and what every algorithm of it does, whichever it is.</summary>
public class KeyAlgorithmsTests
{
    private const string Id = "payments.eu.cards";

    public static TheoryData<string> Specs => AlgorithmRegistry.Specs;

    [Fact]
    public void All_IsTheRegistryInOrder()
    {
        Assert.Equal(AlgorithmRegistry.All.Select(r => (r.Spec, r.Limit)), KeyAlgorithms.All.Select(a => (a.Spec, a.Limit)));
        Assert.Equal(AlgorithmRegistry.All.Select(r => r.Usages), KeyAlgorithms.All.Select(a => a.Usages));
        Assert.Equal(
            AlgorithmRegistry.Signatures.Select(r => (r.Spec, string.Join(' ', r.Algorithms))),
            KeyAlgorithms.Signatures.Select(a => (a.Spec, string.Join(' ', a.AlgorithmNames(a.Usages[0])))));
        Assert.Equal(
            AlgorithmRegistry.Signatures.Select(r => (r.Spec, string.Join(' ', r.Jws))),
            KeyAlgorithms.Signatures.Select(a => (a.Spec, string.Join(' ', a.AlgorithmNames(KeyUsage.Jws)))));
        Assert.Equal(
            AlgorithmRegistry.Aeads.Select(r => (r.Spec, r.Id, r.MaterialLength, r.NonceLength)),
            KeyAlgorithms.Aeads.Select(a => (a.Spec, a.Id, a.MaterialLength, a.NonceLength)));
        Assert.Equal(
            AlgorithmRegistry.PublicKeyEncryptions.Select(r => (r.Spec, r.Algorithm, r.Id)),
            KeyAlgorithms.All.SelectMany(a => a.EncryptionSchemes.Select(s => (a.Spec, s.Name, s.Id))));
        Assert.Equal(AlgorithmRegistry.Macs.Select(r => (r.Spec, r.MacLength)), KeyAlgorithms.Macs.Select(a => (a.Spec, a.MacLength)));
        Assert.Equal(AlgorithmRegistry.Kems.Select(r => (r.Spec, r.CiphertextLength)), KeyAlgorithms.Encapsulations.Select(a => (a.Spec, a.CiphertextLength)));
    }

    [Fact]
    public void All_HasNoSpecAndNoByteTwice()
    {
        Assert.Equal(KeyAlgorithms.All.Count, KeyAlgorithms.All.Select(a => a.Spec).Distinct().Count());
        Assert.Equal(KeyAlgorithms.Aeads.Count, KeyAlgorithms.Aeads.Select(a => a.Id).Distinct().Count());
        Assert.DoesNotContain(KeyAlgorithms.Aeads, a => a.Id == 0);
        var schemes = KeyAlgorithms.All.SelectMany(a => a.EncryptionSchemes).Distinct().ToList();
        Assert.Equal(schemes.Count + KeyAlgorithms.Aeads.Count, schemes.Select(s => s.Id).Concat(KeyAlgorithms.Aeads.Select(a => a.Id)).Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public void TryFind_Spec_IsItsAlgorithm(string spec) => Assert.Equal(spec, Find(spec).Spec);

    [Theory]
    [InlineData("")]
    [InlineData("aes_256_gcm")]
    [InlineData("AES_256_GCM ")]
    [InlineData("AES_192_GCM")]
    public void TryFind_UnknownSpec_IsFalse(string spec)
    {
        Assert.False(KeyAlgorithms.TryFind(spec, out var algorithm));
        Assert.Null(algorithm);
    }

    [Fact]
    public void DefaultSpec_IsInTheTable()
    {
        Assert.Equal("AES_256_GCM", CreateKey.DefaultSpec);
        Assert.True(KeyAlgorithms.TryFind(CreateKey.DefaultSpec, out _));
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task NewMaterial_IsAccepted_AndAnotherEachTime(string spec)
    {
        var algorithm = Find(spec);
        var (one, two) = (await AlgorithmRegistry.Material(spec, 1), await AlgorithmRegistry.Material(spec, 2));
        Assert.True(algorithm.Accepts(one) && algorithm.Accepts(two));
        Assert.NotEqual(one, two);
        Assert.False(algorithm.Accepts([]));
        Assert.False(algorithm.Accepts(one.AsSpan(1)));

        // Imported material of HMAC may be longer.
        Assert.Equal(AlgorithmRegistry.Macs.Any(r => r.Spec == spec), algorithm.Accepts([.. one, 0]));
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task PublicPart_IsOfTheMaterial_WhereThereIsOne(string spec)
    {
        var algorithm = Find(spec);
        var (one, two) = (await AlgorithmRegistry.Material(spec, 1), await AlgorithmRegistry.Material(spec, 2));
        var part = algorithm.PublicPart(one);
        Assert.Equal(AlgorithmRegistry.Of(spec).HasPublicPart, part is not null);
        Assert.Equal(part, algorithm.PublicPart(one));
        Assert.True(part is null || !part.SequenceEqual(algorithm.PublicPart(two)!));
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task Open_EachUsage_GivesTheVersion_AndOnlyWhatItOffers(string spec)
    {
        var algorithm = Find(spec);
        var material = await AlgorithmRegistry.Material(spec, 1);
        foreach (var usage in AlgorithmRegistry.Of(spec).Usages)
        {
            using var version = algorithm.Open(usage, Id, 7, material);
            Assert.Equal(7, version.Version);
            Assert.True(version.IsAvailable);
            Assert.Same(version, version.Require<IKeyVersion>());
            Assert.Equal("wrong_key_usage", Assert.Throws<KmsException>(version.Require<IIsOfferedByNone>).Code);
        }
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task Open_WrongArguments_Throws(string spec)
    {
        var algorithm = Find(spec);
        var material = await AlgorithmRegistry.Material(spec, 1);
        var usages = AlgorithmRegistry.Of(spec).Usages;
        foreach (var usage in Enum.GetValues<KeyUsage>().Except(usages))
        {
            Assert.Throws<ArgumentException>("usage", () => algorithm.Open(usage, Id, 1, material));
        }

        Assert.Throws<ArgumentOutOfRangeException>("version", () => algorithm.Open(usages[0], Id, 0, material));
        Assert.Throws<ArgumentOutOfRangeException>("version", () => algorithm.Open(usages[0], Id, -1, material));
        foreach (var id in new[] { "", new string('a', 129), "ä" })
        {
            Assert.Throws<ArgumentException>("keyId", () => algorithm.Open(usages[0], id, 1, material));
        }

        Assert.Throws<ArgumentException>("material", () => algorithm.Open(usages[0], Id, 1, material.AsSpan(1)));
    }

    private static KeyAlgorithm Find(string spec)
    {
        Assert.True(KeyAlgorithms.TryFind(spec, out var algorithm));
        return algorithm;
    }

    private interface IIsOfferedByNone : IKeyVersion;
}
