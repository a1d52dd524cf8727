using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Providers;
using OrleansKms.Tests.Unit.Cryptography;

namespace OrleansKms.Tests.Unit.Keys;

/// <summary>Which public parts stay open.</summary>
public sealed class VersionCiphersTests
{
    [Fact]
    public async Task PublicParts_OfTheNewestVersions_StayOpen_HoweverManyAreTried()
    {
        using var pair = await SignaturePair.Make("ECC_NIST_P256");
        var versions = Enumerable.Range(1, 40).Select(i => new KeyVersionEntry(i, KeyVersionState.Enabled, default) { PublicKey = pair.PublicPart }).ToArray();
        var row = KeyRotationTests.Row() with { Spec = "ECC_NIST_P256", Usage = KeyUsage.SignVerify, Versions = versions };
        using var ciphers = new VersionCiphers(null!, null!, new KeyProviders([]), default, "key");
        var first = Open();
        var second = Open();
        Assert.Equal(15, first.Zip(second).Count(both => ReferenceEquals(both.First, both.Second)));
        Assert.Equal(first.Take(15), second.Take(15));
        Assert.All(second, open => Assert.IsAssignableFrom<IVerifies>(open));

        List<IKeyVersion> Open() => [.. versions.Reverse().Select(version => ciphers.OpenPublic(row, version))];
    }
}
