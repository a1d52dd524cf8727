using System.Buffers.Binary;
using System.Text;

namespace OrleansKms.Tests.Fuzz;

/// <summary>Target: <see cref="CiphertextHeader.TryRead"/>, the first code that a stranger's bytes meet.</summary>
public class CiphertextHeaderFuzz
{
    [Fact]
    public void TryRead_HostileBytes_NeverThrowsAndReadsOnlyTheOneEncoding()
    {
        byte[][] genuine =
        [
            Write(1, 1, 1, "k"), Write(2, 3, 7, "payments.eu.cards"), Write(3, 255, int.MaxValue, new string('a', 128)),
            [.. Write(1, 4, 300, "a..b-_c"), .. new byte[100]],
        ];
        var hostile = new HostileBytes(HostileBytes.Seed);
        var read = 0;
        for (var round = 0; round < 10 * HostileBytes.Rounds; round++)
        {
            var bytes = hostile.Of(genuine);
            if (!CiphertextHeader.TryRead(bytes, out var header))
            {
                Assert.Equal(default, header);
                continue;
            }

            read++;
            var one = Write((byte)header.Kind, header.Algorithm, header.KeyVersion, header.KeyId);
            if (!KeyId.IsValid(header.KeyId) || header.Length != one.Length || !bytes.AsSpan(0, one.Length).SequenceEqual(one))
            {
                Assert.Fail($"seed {HostileBytes.Seed}, round {round}: {Convert.ToHexString(bytes)}");
            }
        }

        // Otherwise the inputs are too hostile to test anything.
        Assert.InRange(read, HostileBytes.Rounds / 2, 10 * HostileBytes.Rounds);
    }

    private static byte[] Write(byte kind, byte algorithm, int version, string id)
    {
        var bytes = new byte[7 + id.Length];
        (bytes[0], bytes[1], bytes[6]) = (kind, algorithm, (byte)id.Length);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(2), version);
        Encoding.ASCII.GetBytes(id, bytes.AsSpan(7));
        return bytes;
    }
}
