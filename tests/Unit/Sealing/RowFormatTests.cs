using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Tests.Unit.Sealing;

/// <summary>
/// The bytes of FORMAT.md, computed from its text by another implementation of XAES-256-GCM. A row written by any released version opens for ever, so these do not
/// change.
/// </summary>
public sealed class RowFormatTests : IDisposable
{
    private static readonly byte[] _kekBytes = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly Incarnation _incarnation = Incarnation.Read(Convert.FromHexString("0123456789abcdef0123456789abcdef"));
    private static readonly GrainId _grain = GrainId.Create("key", "payments.eu.cards");
    private readonly OneKek _ring = new(_kekBytes);

    public void Dispose() => _ring.Dispose();

    [Fact]
    public void KekId_IsATruncatedHmacOfTheKek() =>
        Assert.Equal("77906ac36b2348b8f6378db309f425d4", KekOpening.IdOf(_kekBytes).ToString());

    [Fact]
    public void AssociatedData_PrefixesEachFieldWithItsLength()
    {
        var encoded = new AssociatedData().Add("ab").Add("").Add(0x07).Add([1, 2, 3]).Span.ToArray();

        Assert.Equal("00000002" + "6162" + "00000000" + "00000001" + "07" + "00000003" + "010203", Convert.ToHexString(encoded));
    }

    [Fact]
    public void Seal_RowWithMaterial_HasTheGoldenBytes()
    {
        var sealer = Sealer();
        var material = sealer.Wrap(new MaterialAddress(_grain, _incarnation, 3), Enumerable.Repeat((byte)0xAA, 32).ToArray());

        var row = sealer.Seal(_grain, "key", new EmptyRow { Incarnation = _incarnation, Material = material }, """{"Revision":1}"""u8);

        Assert.Equal(
            "010077906ac36b2348b8f6378db309f425d40123456789abcdef0123456789abcdef01000000360202020202020202020202020202020202"
            + "02020202020202956691a4f343d0850c3350767de06540039333f787e954d3e866a370636902000000030000004801010101010101010101"
            + "0101010101010101010101010101046c9d2dc9ad568469772d92772e0d321d9be26f247149d9a84bf63a90288ea7f6e4aa4cdf03d70b385c"
            + "9b1b57c51e05", Convert.ToHexStringLower(row));
    }

    [Fact]
    public void Seal_TombstoneWithoutMaterial_HasTheGoldenBytes()
    {
        var row = Sealer().Seal(_grain, "key", new EmptyRow { Incarnation = _incarnation, Dead = true }, """{"Revision":2}"""u8);

        Assert.Equal(
            "010177906ac36b2348b8f6378db309f425d40123456789abcdef0123456789abcdef01000000360101010101010101010101010101010101"
            + "01010101010101d5e465e2156e8f47acb3a502eff92bb5a19cce5ee133e547dc39d197ebe1", Convert.ToHexStringLower(row));
    }

    [Fact]
    public void Seal_Format2WithMaterial_HasTheGoldenBytes()
    {
        var sealer = Sealer(format: RowFormats.Encoded);
        var material = sealer.Wrap(new MaterialAddress(_grain, _incarnation, 3), Enumerable.Repeat((byte)0xAA, 32).ToArray());

        var row = sealer.Seal(_grain, "key", new EmptyRow { Incarnation = _incarnation, Material = material }, """{"Revision":1}"""u8);

        Assert.Equal(
            "020077906ac36b2348b8f6378db309f425d40123456789abcdef0123456789abcdef01000000370202020202020202020202020202020202"
            + "02020202020202ee3fe193e05cca9f0a321c6e76ac424889d1977aab5266f7ee22396345a12e020000000300000048010101010101010101"
            + "010101010101010101010101010101046c9d2dc9ad568469772d92772e0d321d9be26f247149d9a84bf63a90288ea7f6e4aa4cdf03d70b38"
            + "5c9b1b57c51e05", Convert.ToHexStringLower(row));
        Assert.Equal("""{"Revision":1}"""u8.ToArray(), sealer.TryOpenContent(_ring.Current, _grain, "key", RowLayout.TryRead(row)!));
    }

    [Fact]
    public void Seal_Format2OfCounters_OpensAndIsShorter()
    {
        var sealer = Sealer(format: RowFormats.Encoded);
        var content = Enumerable.Repeat("{\"version\":1,\"ceiling\":1024},"u8.ToArray(), 100).SelectMany(b => b).ToArray();

        var row = sealer.Seal(_grain, "key.usage", new EmptyRow { Incarnation = _incarnation, IsCounter = true }, content);

        Assert.True(row.Length * 5 < content.Length);
        Assert.Equal(content, sealer.TryOpenContent(_ring.Current, _grain, "key.usage", RowLayout.TryRead(row)!));
    }

    [Fact]
    public void Open_FormatChangedInEitherDirection_IsRefused()
    {
        foreach (var (from, to) in new[] { (RowFormats.First, RowFormats.Encoded), (RowFormats.Encoded, RowFormats.First) })
        {
            var sealer = Sealer(format: from);
            var bytes = sealer.Seal(_grain, "key", new EmptyRow { Incarnation = _incarnation }, "content"u8);
            bytes[0] = to;
            Assert.Null(sealer.TryOpenContent(_ring.Current, _grain, "key", RowLayout.TryRead(bytes)!));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(255)]
    public void TryRead_FormatOfANewerProgram_IsNull(byte format)
    {
        var bytes = Sealer().Seal(_grain, "key", new EmptyRow { Incarnation = _incarnation }, "content"u8);
        bytes[0] = format;
        Assert.Null(RowLayout.TryRead(bytes));
    }

    [Fact]
    public void Layout_StandsWhereTheSpecificationSays()
    {
        var sealer = Sealer();
        var material = sealer.Wrap(new MaterialAddress(_grain, _incarnation, 3), new byte[32]);
        var row = sealer.Seal(_grain, "key", new EmptyRow { Incarnation = _incarnation, Material = material }, new byte[10]);

        Assert.Equal(1, row[0]);
        Assert.Equal(0, row[1]);
        Assert.Equal(_ring.Current.Id, KekId.Read(row.AsSpan(2, 16)));
        Assert.Equal(_incarnation, Incarnation.Read(row.AsSpan(18, 16)));
        Assert.Equal([1, 0, 0, 0, 50], row[34..39]);
        Assert.Equal([2, 0, 0, 0, 3, 0, 0, 0, 72], row[89..98]);
        Assert.Equal(material.Sealed.ToArray(), row[98..]);
    }

    [Fact]
    public void Open_AnythingElseThanWhatWasSealed_IsRefused()
    {
        var sealer = Sealer();
        var row = RowLayout.TryRead(sealer.Seal(_grain, "key", new EmptyRow { Incarnation = _incarnation }, "content"u8))!;
        var kek = _ring.Current;

        Assert.Equal("content"u8.ToArray(), sealer.TryOpenContent(kek, _grain, "key", row));
        Assert.Null(sealer.TryOpenContent(kek, GrainId.Create("key", "other"), "key", row));
        Assert.Null(sealer.TryOpenContent(kek, GrainId.Create("alias", "payments.eu.cards"), "key", row));
        Assert.Null(sealer.TryOpenContent(kek, _grain, "key.usage", row));
        Assert.Null(Sealer("another-service").TryOpenContent(kek, _grain, "key", row));
        Assert.Null(sealer.TryOpenContent(kek, _grain, "key", row with { Header = row.Header with { Flags = RowFlags.Tombstone } }));
        Assert.Null(sealer.TryOpenContent(kek, _grain, "key", row with { Header = row.Header with { Incarnation = Incarnation.New() } }));
        Assert.Null(sealer.TryOpenContent(kek, _grain, "key", row with { MaterialSection = new byte[] { 2 } }));
        using var otherRing = new OneKek(new byte[32]);
        Assert.Null(sealer.TryOpenContent(otherRing.Current, _grain, "key", row));
        Assert.Null(sealer.TryOpenContent(otherRing.Current, _grain, "key", row with { Header = row.Header with { KekId = otherRing.Current.Id } }));
    }

    [Fact]
    public void Seal_SameRowTwice_DrawsFreshNonces()
    {
        var sealer = new RowSealer(_ring, "okms", NonceSource.System);
        var row = new EmptyRow { Incarnation = _incarnation };

        Assert.NotEqual(sealer.Seal(_grain, "key", row, "x"u8), sealer.Seal(_grain, "key", row, "x"u8));
    }

    [Theory]
    [InlineData("")]
    [InlineData("01")]
    [InlineData("0100" + "00000000000000000000000000000000" + "00000000000000000000000000000000")]
    public void TryRead_NotARow_IsNull(string hex) => Assert.Null(RowLayout.TryRead(Convert.FromHexString(hex)));

    [Fact]
    public void TryRead_AnyBytes_NeverThrows()
    {
        var row = Sealer().Seal(_grain, "key", new EmptyRow { Incarnation = _incarnation }, "content"u8);
        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = row[..random.Next(row.Length + 1)];
            for (var j = 0; j < 3 && bytes.Length > 0; j++)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            _ = RowLayout.TryRead(bytes);
        }
    }

    private RowSealer Sealer(string service = "okms", byte format = RowFormats.First) => new(_ring, service, new CountingNonces(), () => format);

    private sealed record EmptyRow : Row
    {
        public bool Dead { get; init; }

        public bool IsCounter { get; init; }

        public override bool MayCompress => IsCounter;

        public override bool IsTombstone => Dead;
    }

    private sealed class CountingNonces : NonceSource
    {
        private byte _next;

        internal override void Next(Span<byte> nonce) => nonce.Fill(++_next);
    }
}
