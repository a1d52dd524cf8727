using System.Net;
using System.Text;

namespace OrleansKms.Silo.Clustering.Admission;

/// <summary>
/// A silo's address in a client's message, with its hash checked: Orleans trusts the hash, and keeps it for all.
/// </summary>
/// <param name="Encoded">As it stands in the message.</param>
/// <param name="Key">The key of the silo's system targets.</param>
/// <param name="IsThisGateway">Whether it is this silo, by its client port.</param>
internal sealed record KnownSilo(byte[] Encoded, byte[] Key, bool IsThisGateway)
{
    private const int MaxBytes = 64;

    /// <summary>Reads one.</summary>
    /// <param name="reader">Positioned at the address.</param>
    /// <param name="gateway">The address that clients know this silo by.</param>
    /// <returns>Null if it is malformed or its hash is false.</returns>
    public static KnownSilo? Read(ref WireReader reader, SiloAddress? gateway)
    {
        Span<byte> ip = stackalloc byte[16];
        if (!reader.TryReadVarUInt32(out var length) || length is 0 or > MaxBytes) return null;
        var before = reader.Remaining;
        if (!reader.TryReadInt32(out var hash)
            || !reader.TryReadVarUInt32(out var ipLength) || ipLength is not (4 or 16) || !reader.TryRead(ip = ip[..(int)ipLength])
            || !reader.TryReadVarUInt32(out var port) || port > ushort.MaxValue
            || !reader.TryReadInt32(out var generation) || before - reader.Remaining != length)
        {
            return null;
        }
        var address = SiloAddress.New(new IPAddress(ip), (int)port, generation);
        return address.GetConsistentHashCode() == hash
            ? new(Encode(address, ip, hash), Encoding.UTF8.GetBytes(address.ToParsableString()), gateway is not null && IsSame(address, gateway))
            : null;
    }

    // As in Orleans' gateway, which forwards what is for another silo: clients without a list from the database know no
    // generation.
    private static bool IsSame(SiloAddress address, SiloAddress gateway) =>
        address.Endpoint.Equals(gateway.Endpoint)
            ? address.Generation == gateway.Generation || address.Generation == 0 || gateway.Generation == 0
            : IPAddress.IsLoopback(address.Endpoint.Address)
                && address.Endpoint.Port == gateway.Endpoint.Port && address.Generation == gateway.Generation;

    private static byte[] Encode(SiloAddress address, ReadOnlySpan<byte> ip, int hash)
    {
        byte[] inner =
        [
            .. BitConverter.GetBytes(hash), .. WireFormat.VarUInt32((uint)ip.Length), .. ip,
            .. WireFormat.VarUInt32((uint)address.Endpoint.Port), .. BitConverter.GetBytes(address.Generation),
        ];
        return [.. WireFormat.VarUInt32((uint)inner.Length), .. inner];
    }
}
