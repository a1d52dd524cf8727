using System.Buffers.Binary;
using System.Text;
using CsCheck;
using OrleansKms.Grains.Keys.History;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Tests.Unit.History;

public sealed class HistoryEventFormatTests
{
    // What FORMAT.md shows, made by a program of its own (Python's struct and hashlib).
    private const string Golden =
        "01" + "0000000000000002" + "0000019b7fbf7108" + "0000000000000007"
        + "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
        + "01000b" + "6b6579733a726f74617465"
        + "020005" + "61646d696e"
        + "030009" + "3132372e302e302e31"
        + "040009" + "726571756573742d31"
        + "05000d" + "61646d696e6973747261746f72"
        + "060004" + "00000002"
        + "070006" + "627920757365"
        + "080004" + "00000001";

    private const string GoldenHash = "7d32364b5535781bde95eaee356565441678661f8c0f605f463e75e002b3a649";

    private static readonly Incarnation _incarnation = new(0x0011223344556677, 0x8899aabbccddeeff);

    private static HistoryEvent Event { get; } = new()
    {
        Number = 2,
        Time = new DateTimeOffset(2026, 1, 2, 17, 26, 51, 400, TimeSpan.Zero),
        Revision = 7,
        Previous = [.. Enumerable.Range(0, 32).Select(i => (byte)i)],
        Action = "keys:rotate",
        Principal = "admin",
        Source = "127.0.0.1",
        RequestId = "request-1",
        Credential = "administrator",
        Version = 2,
        Reason = "by use",
        Epoch = 1,
    };

    [Fact]
    public void Encode_Golden() => Assert.Equal(Golden, Convert.ToHexStringLower(HistoryEventFormat.Encode(Event)));

    [Fact]
    public void Hash_Golden() => Assert.Equal(
        GoldenHash, Convert.ToHexStringLower(HistoryEventFormat.Hash("payments.eu", _incarnation, Convert.FromHexString(Golden))));

    [Fact]
    public void Hash_OfAnotherKeyOrLife_IsAnother()
    {
        var bytes = HistoryEventFormat.Encode(Event);
        byte[][] hashes =
        [
            HistoryEventFormat.Hash("payments.eu", _incarnation, bytes),
            HistoryEventFormat.Hash("payments.e", _incarnation, bytes),
            HistoryEventFormat.Hash("payments.eu", _incarnation with { Low = 0 }, bytes),
        ];
        Assert.Equal(3, hashes.Select(Convert.ToHexString).Distinct().Count());
    }

    [Fact]
    public void Decode_OfWhatWasEncoded_IsThatEvent() => (
        from number in Gen.Long[1, long.MaxValue]
        from milliseconds in Gen.Long[0, 253_402_300_799_999]
        from revision in Gen.Long[0, long.MaxValue]
        from previous in Gen.Byte.Array[32]
        from texts in Gen.String[Gen.Char.AlphaNumeric, 0, 128].Array[4]
        from credential in Gen.OneOf(Gen.Const((string?)null), Gen.String[Gen.Char.AlphaNumeric, 0, 128].Select(t => (string?)t))
        from version in Gen.Int.Nullable()
        from reason in Gen.OneOf(Gen.Const((string?)null), Gen.String[Gen.Char.AlphaNumeric, 0, 512].Select(t => (string?)t))
        from epoch in Gen.Int[0, int.MaxValue]
        select new HistoryEvent
        {
            Number = number,
            Time = DateTimeOffset.FromUnixTimeMilliseconds(milliseconds),
            Revision = revision,
            Previous = previous,
            Action = texts[0],
            Principal = texts[1],
            Source = texts[2],
            RequestId = texts[3],
            Credential = credential,
            Version = version,
            Reason = reason,
            Epoch = epoch,
        }).Sample(wanted =>
        {
            var read = HistoryEventFormat.TryDecode(HistoryEventFormat.Encode(wanted))!;
            Assert.Equal(wanted.Previous, read.Previous);
            Assert.Equal(wanted with { Previous = [] }, read with { Previous = [] });
        }, iter: 300);

    [Fact]
    public void Encode_TextsTooLong_AreCut()
    {
        var endless = new string('x', 100_000);
        var bytes = HistoryEventFormat.Encode(Event with { Principal = endless, Source = endless, RequestId = endless, Credential = endless, Reason = endless });
        Assert.InRange(bytes.Length, 57, 1200);
        var read = HistoryEventFormat.TryDecode(bytes)!;
        Assert.Equal((128, 512), (read.Principal.Length, read.Reason!.Length));
    }

    [Fact]
    public void Decode_FieldOfANewerProgram_IsPassedOver()
    {
        byte[] bytes = [.. HistoryEventFormat.Encode(Event), 200, 0, 1, 42];
        Assert.Equal("by use", HistoryEventFormat.TryDecode(bytes)!.Reason);
    }

    [Fact]
    public void Decode_AnythingElse_IsNone()
    {
        var bytes = Convert.FromHexString(Golden);
        Assert.Null(HistoryEventFormat.TryDecode([]));
        Assert.Null(HistoryEventFormat.TryDecode(bytes.AsSpan(0, 56)));
        Assert.Null(HistoryEventFormat.TryDecode([2, .. bytes[1..]]));
        Assert.Null(HistoryEventFormat.TryDecode(bytes.AsSpan(0, bytes.Length - 1)));
        Assert.Null(HistoryEventFormat.TryDecode([.. bytes, 9]));
        Assert.Null(HistoryEventFormat.TryDecode([.. bytes, 8, 0, 4, 0, 0, 0, 2]));
        Assert.Null(HistoryEventFormat.TryDecode([.. bytes[..57], 6, 0, 3, 0, 0, 1]));

        var late = bytes.ToArray();
        BinaryPrimitives.WriteInt64BigEndian(late.AsSpan(9), long.MaxValue);
        Assert.Null(HistoryEventFormat.TryDecode(late));
    }

    [Fact]
    public void Format_OfTheDocument_IsThatOfTheTest()
    {
        var document = File.ReadAllText(Path.Combine(Contracts.DocumentsTests.Root, "grains", "Keys", "History", "FORMAT.md"), Encoding.UTF8);
        var digits = string.Concat(document.Where(c => !char.IsWhiteSpace(c)));
        Assert.Contains(Golden, digits, StringComparison.Ordinal);
        Assert.Contains(GoldenHash, digits, StringComparison.Ordinal);
    }
}
