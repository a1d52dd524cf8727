using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>What every MAC of the table does, whichever it is.</summary>
public class MacContractTests
{
    private static readonly int[] _primes = [1, 2, 3, 7, 13, 31, 61, 67, 127, 131, 251, 257, 1021, 4099, 65537];

    public static TheoryData<string> Specs => AlgorithmRegistry.MacSpecs;

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task Mac_EmptyAndPrimeLengths_IsVerified(string spec)
    {
        using var version = Open(spec);
        Assert.True(version.MacsAtOnce);
        var seen = new HashSet<string>();
        foreach (var length in _primes.Prepend(0))
        {
            var message = RandomNumberGenerator.GetBytes(length);
            var mac = await version.Mac(message);
            Assert.Equal(version.MacLength, mac.Length);
            Assert.True(await version.VerifyMac(message, mac));
            Assert.Equal(mac, await version.Mac(message));
            Assert.True(seen.Add(Convert.ToHexString(mac)));
        }
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task VerifyMac_AnyBitOfItChanged_IsFalse(string spec)
    {
        using var version = Open(spec);
        var mac = await version.Mac("message"u8.ToArray());
        for (var bit = 0; bit < 8 * mac.Length; bit++)
        {
            mac[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(await version.VerifyMac("message"u8.ToArray(), mac), $"bit {bit}");
            mac[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.True(await version.VerifyMac("message"u8.ToArray(), mac));
        Assert.False(await version.VerifyMac("messagf"u8.ToArray(), mac));
        Assert.False(await version.VerifyMac("message\0"u8.ToArray(), mac));
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task VerifyMac_AnyOtherLength_IsFalse(string spec)
    {
        using var version = Open(spec);
        var mac = await version.Mac("message"u8.ToArray());
        for (var length = 0; length < mac.Length; length++)
        {
            Assert.False(await version.VerifyMac("message"u8.ToArray(), mac.AsMemory(0, length)));
        }

        Assert.False(await version.VerifyMac("message"u8.ToArray(), (byte[])[.. mac, 0]));
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task Mac_AnotherKey_IsAnother(string spec)
    {
        using var one = Open(spec);
        using var two = Open(spec, start: 1);
        var mac = await one.Mac("message"u8.ToArray());
        Assert.NotEqual(mac, await two.Mac("message"u8.ToArray()));
        Assert.False(await two.VerifyMac("message"u8.ToArray(), mac));
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task Open_MaterialZeroedAfterwards_KeyStillWorks(string spec)
    {
        var material = AlgorithmRegistry.Counting(AlgorithmRegistry.Mac(spec).MacLength);
        using var version = Open(spec, material);
        using var same = Open(spec);
        CryptographicOperations.ZeroMemory(material);
        Assert.Equal(await same.Mac("message"u8.ToArray()), await version.Mac("message"u8.ToArray()));
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task Dispose_Twice_EndsTheKey(string spec)
    {
        var version = Open(spec);
        version.Dispose();
        version.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await version.Mac(new byte[1]));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await version.VerifyMac(new byte[1], new byte[1]));
    }

    private static IMacs Open(string spec, int start = 0) =>
        Open(spec, AlgorithmRegistry.Counting(AlgorithmRegistry.Mac(spec).MacLength, start));

    private static IMacs Open(string spec, byte[] material) =>
        AlgorithmRegistry.Mac(spec).Open(KeyUsage.Mac, "payments.eu.cards", 7, material).Require<IMacs>();
}
