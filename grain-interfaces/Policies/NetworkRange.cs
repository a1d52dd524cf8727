using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace OrleansKms;

/// <summary>
/// A network in CIDR notation (RFC 4632, RFC 4291). IPv4 addresses are compared as IPv4-mapped IPv6 addresses, so that a dual-stack
/// listener finds a caller in the same network either way.
/// </summary>
internal readonly struct NetworkRange
{
    private const int HalfBits = 64;
    private const int MappedBits = 96;
    private const ulong Mapped = 0xFFFF_0000_0000;

    private readonly (ulong High, ulong Low) _first;
    private readonly (ulong High, ulong Low) _mask;

    private NetworkRange((ulong High, ulong Low) first, (ulong High, ulong Low) mask) => (_first, _mask) = (first, mask);

    /// <summary>Parses a network. Refuses bits beyond the prefix, octal or shortened IPv4 addresses, and zones.</summary>
    public static bool TryParse(string text, out NetworkRange range)
    {
        range = default;
        if (text.Contains('%', StringComparison.Ordinal) || !IPNetwork.TryParse(text, out var network))
        {
            return false;
        }

        var isV4 = network.BaseAddress.AddressFamily == AddressFamily.InterNetwork;
        var written = text.AsSpan(0, text.IndexOf('/', StringComparison.Ordinal));
        if (!IPAddress.TryParse(written, out var address) || (isV4 && !written.SequenceEqual(address.ToString())))
        {
            return false;
        }

        var length = network.PrefixLength + (isV4 ? MappedBits : 0);
        var (first, mask) = (Bits(address), (Ones(length), Ones(length - HalfBits)));
        range = new(first, mask);
        return (first.High & ~mask.Item1) == 0 && (first.Low & ~mask.Item2) == 0;
    }

    /// <summary>Whether it contains an address; allocates nothing.</summary>
    public bool Contains(IPAddress address)
    {
        var (high, low) = Bits(address);
        return (high & _mask.High) == _first.High && (low & _mask.Low) == _first.Low;
    }

    private static ulong Ones(int bits) => bits <= 0 ? 0 : bits >= HalfBits ? ulong.MaxValue : ulong.MaxValue << (HalfBits - bits);

    private static (ulong High, ulong Low) Bits(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        return address.TryWriteBytes(bytes, out var length) && length == bytes.Length
            ? (BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]))
            : (0, Mapped | BinaryPrimitives.ReadUInt32BigEndian(bytes));
    }
}
