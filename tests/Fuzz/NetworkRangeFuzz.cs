using System.Globalization;
using System.Net;
using System.Numerics;

namespace OrleansKms.Tests.Fuzz;

/// <summary>Target: <see cref="NetworkRange"/>, which reads the networks of policies and decides for every caller.</summary>
public class NetworkRangeFuzz
{
    [Fact]
    public void TryParse_HostileText_NeverThrows_AndHoldsWhatTheNetworkHolds()
    {
        var hostile = new HostileText(
            "10.0.0.0/8", "192.168.17.0/24", "203.0.113.7/32", "0.0.0.0/0", "255.255.255.255/32", "2001:db8::/32", "::/0", "::1/128",
            "fe80::/10", "::ffff:10.0.0.0/104", "2001:0db8:0000:0000:0000:0000:0000:0001/128", "fe80::1%1/64", "010.0.0.0/8", "10/8", "0x0a.0.0.0/8");
        var random = new HostileBytes(HostileBytes.Seed);
        var read = 0;
        for (var round = 0; round < HostileBytes.Rounds; round++)
        {
            var text = hostile.Next();
            if (!NetworkRange.TryParse(text, out var range)) continue;
            read++;
            var slash = text.IndexOf('/', StringComparison.Ordinal);
            var first = IPAddress.Parse(text[..slash]);
            var length = int.Parse(text[(slash + 1)..], CultureInfo.InvariantCulture) + (first.GetAddressBytes().Length == 4 ? 96 : 0);
            var addresses = new List<IPAddress> { first, first.MapToIPv6() };
            for (var i = 0; i < 8; i++) addresses.Add(Near(first, random));
            foreach (var address in addresses)
            {
                var expected = Number(first) >> (128 - length) == Number(address) >> (128 - length);
                Assert.True(range.Contains(address) == expected, $"{address} in {text}: {HostileText.At(round, text)}");
            }
        }

        Assert.InRange(read, HostileBytes.Rounds / 20, HostileBytes.Rounds);
    }

    private static IPAddress Near(IPAddress address, HostileBytes random)
    {
        var bytes = address.GetAddressBytes();
        bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
        return new(bytes);
    }

    private static BigInteger Number(IPAddress address) => new(address.MapToIPv6().GetAddressBytes(), isUnsigned: true, isBigEndian: true);
}
