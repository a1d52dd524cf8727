using System.Buffers.Binary;
using System.Text;
using CsCheck;

namespace OrleansKms.Tests.Unit.Cryptography;

public class CiphertextHeaderTests
{
    [Theory]
    [InlineData(1, 1, 1u, "k")]
    [InlineData(2, 3, 0x01020304u, "payments.eu.cards")]
    [InlineData(3, 255, 0x7fffffffu, "_")]
    public void TryRead_WellFormed_GivesItsFields(byte kind, byte algorithm, uint version, string id)
    {
        Assert.True(CiphertextHeader.TryRead([.. Write(kind, algorithm, version, id), 9, 9, 9], out var header));
        Assert.Equal(new CiphertextHeader((CiphertextKind)kind, algorithm, (int)version, id, 7 + id.Length), header);
    }

    [Fact]
    public void TryRead_LongestId_IsRead()
    {
        var id = new string('a', 128);
        Assert.True(CiphertextHeader.TryRead(Write(1, 1, 1, id), out var header));
        Assert.Equal((id, 135), (header.KeyId, header.Length));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    [InlineData(255)]
    public void TryRead_UnknownFormat_IsFalse(byte format) => AssertNone(Write(format, 1, 1, "k"));

    [Theory]
    [InlineData(0u)]
    [InlineData(0x80000000u)]
    [InlineData(0xffffffffu)]
    public void TryRead_VersionOutOfRange_IsFalse(uint version) => AssertNone(Write(1, 1, version, "k"));

    [Theory]
    [InlineData("")]
    [InlineData(".k")]
    [InlineData("k-")]
    [InlineData("a/b")]
    [InlineData("a\0b")]
    [InlineData("\u00e9")]
    public void TryRead_InvalidId_IsFalse(string id) => AssertNone([.. Write(1, 1, 1, id), 0]);

    [Theory]
    [InlineData(129)]
    [InlineData(255)]
    public void TryRead_IdTooLong_IsFalse(int length) => AssertNone(Write(1, 1, 1, new string('a', length)));

    [Fact]
    public void TryRead_TruncatedAtAnyLength_IsFalse()
    {
        var header = Write(1, 1, 1, "payments.eu.cards");
        for (var length = 0; length < header.Length; length++)
        {
            AssertNone(header[..length]);
        }

        Assert.True(CiphertextHeader.TryRead(header, out _));
    }

    // One header has one encoding: otherwise two ciphertexts could differ in bytes that no one authenticates.
    [Fact]
    public void TryRead_AnyBytes_ReadsOnlyWhatIsWrittenTheSame()
    {
        var plausible = Gen.Select(
            Gen.Byte[0, 4], Gen.Byte, Gen.UInt, Gen.Byte[0, 20], Gen.OneOf(Gen.Char["ab.-_/"], Gen.Char).Array[0, 24],
            (kind, algorithm, version, length, id) =>
            {
                var bytes = Write(kind, algorithm, version, new string(id));
                bytes[6] = length;
                return bytes;
            });
        var read = 0;
        Gen.OneOf(plausible, Gen.Byte.Array[0, 200]).Sample(bytes =>
        {
            if (!CiphertextHeader.TryRead(bytes, out var header))
            {
                return header == default;
            }

            Interlocked.Increment(ref read);
            return KeyId.IsValid(header.KeyId)
                && bytes.AsSpan(0, header.Length).SequenceEqual(
                    Write((byte)header.Kind, header.Algorithm, (uint)header.KeyVersion, header.KeyId));
        }, iter: 20_000);
        Assert.NotEqual(0, read);
    }

    private static byte[] Write(byte kind, byte algorithm, uint version, string id)
    {
        var bytes = new byte[7 + id.Length];
        (bytes[0], bytes[1], bytes[6]) = (kind, algorithm, (byte)id.Length);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(2), version);
        Encoding.Latin1.GetBytes(id, bytes.AsSpan(7));
        return bytes;
    }

    private static void AssertNone(byte[] bytes)
    {
        Assert.False(CiphertextHeader.TryRead(bytes, out var header));
        Assert.Equal(default, header);
    }
}
