using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Aead;

namespace OrleansKms.Tests.Unit.Cryptography;

public class KeyAlgorithmsTests
{
    [Fact]
    public void All_IsTheRegistryInOrder() =>
        Assert.Equal(
            AeadRegistry.Rows,
            KeyAlgorithms.All.OfType<AeadAlgorithm>().Select(a =>
                new AeadRegistry.Row(a.Spec, a.Id, a.MaterialLength, a.NonceLength, a.Limit)));

    [Fact]
    public void All_HasNoSpecAndNoIdTwice()
    {
        Assert.Equal(KeyAlgorithms.All.Count, KeyAlgorithms.All.Select(a => a.Spec).Distinct().Count());
        Assert.Equal(KeyAlgorithms.All.Count, KeyAlgorithms.All.Select(a => a.Id).Distinct().Count());
        Assert.DoesNotContain(KeyAlgorithms.All, a => a.Id == 0);
    }

    [Theory]
    [MemberData(nameof(AeadRegistry.Specs), MemberType = typeof(AeadRegistry))]
    public void TryFind_BySpecAndById_IsTheSame(string spec)
    {
        Assert.True(KeyAlgorithms.TryFind(spec, out var bySpec));
        Assert.True(KeyAlgorithms.TryFind(bySpec.Id, out var byId));
        Assert.Same(bySpec, byId);
        Assert.Equal([KeyUsage.EncryptDecrypt], bySpec.Usages);
    }

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
    public void TryFind_EveryOtherId_IsFalse()
    {
        for (var id = 0; id <= byte.MaxValue; id++)
        {
            Assert.Equal(AeadRegistry.Rows.Any(r => r.Id == id), KeyAlgorithms.TryFind((byte)id, out _));
        }
    }

    [Fact]
    public void DefaultSpec_IsInTheTable()
    {
        Assert.Equal("AES_256_GCM", KeyAlgorithms.DefaultSpec);
        Assert.True(KeyAlgorithms.TryFind(KeyAlgorithms.DefaultSpec, out _));
    }
}
