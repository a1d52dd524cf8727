using System.IO.Pipelines;
using System.Text.Json;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Rest;
using OrleansKms.Gateway.Rest.Cryptography;

namespace OrleansKms.Tests.Unit.Gateway;

public sealed class JsonBufferTests
{
    private readonly TrackingPool _pool = new();

    // Around the sizes of the pieces, and values that are larger than any piece.
    public static TheoryData<int> Lengths => [1, 1021, 3011, 3079, 49_003, 49_207, 98_317, 1_048_573];

    [Theory]
    [MemberData(nameof(Lengths))]
    public async Task Written_IsWhatTheSerializerWrites(int length)
    {
        var answer = Answer(length, items: 3);
        using var buffer = Filled(answer);
        using var output = new MemoryStream();
        var writer = PipeWriter.Create(output);
        await buffer.CopyTo(writer);
        var expected = JsonSerializer.SerializeToUtf8Bytes(answer, RestJson.Default.BatchAnswer);
        Assert.Equal(JsonSerializer.Deserialize<JsonElement>(expected).ToString(), JsonSerializer.Deserialize<JsonElement>(output.ToArray()).ToString());
        Assert.Equal(output.Length, buffer.Length);
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Disposed_GivesEachPieceBackOnce_AllZero(int length)
    {
        var buffer = Filled(Answer(length, items: 3));
        Assert.NotEqual(0, _pool.Borrowed);
        buffer.Dispose();
        buffer.Dispose();
        _pool.IsBackAndZero();
    }

    [Fact]
    public void Disposed_WithWhatWasNotFlushed_IsAllZero()
    {
        var buffer = JsonBuffer.Rent(_pool);
        buffer.Writer.WriteStartObject();
        buffer.Writer.WriteBase64String("plaintext", Bytes(1021, 0xA5));
        buffer.Dispose();
        _pool.IsBackAndZero();
    }

    [Fact]
    public void AnswersInPieces_AreNoLargeObjects()
    {
        Filled(Answer(1021, items: 1000)).Dispose();
        Assert.All(_pool.Returned, piece => Assert.True(piece.Length < 85_000));
    }

    [Fact]
    public void TwoInUse_ShareNothing()
    {
        using var first = JsonBuffer.Rent(_pool);
        using var second = JsonBuffer.Rent(_pool);
        Assert.NotSame(first, second);
        first.GetSpan(100)[..100].Fill(1);
        first.Advance(100);
        second.GetSpan(100)[..100].Fill(2);
        second.Advance(100);
        second.Dispose();
        Assert.Equal(1, _pool.Borrowed);
        Assert.Equal(100, first.Length);
        using var third = JsonBuffer.Rent(_pool);
        Assert.NotSame(first, third);
    }

    [Fact]
    public async Task ReaderThatHasGone_EndsTheCopy()
    {
        using var buffer = Filled(Answer(49_003, items: 10));
        var pipe = new Pipe();
        await pipe.Reader.CompleteAsync();
        await buffer.CopyTo(pipe.Writer);
        buffer.Dispose();
        _pool.IsBackAndZero();
    }

    private static byte[] Bytes(int length, byte value)
    {
        var bytes = new byte[length];
        bytes.AsSpan().Fill(value);
        return bytes;
    }

    private static BatchAnswer Answer(int length, int items) => new()
    {
        Results = [.. Enumerable.Range(1, items).Select(i => new ItemAnswer { KeyId = "k", Plaintext = Bytes(length, (byte)i) })],
    };

    private JsonBuffer Filled(BatchAnswer answer)
    {
        var buffer = JsonBuffer.Rent(_pool);
        JsonSerializer.Serialize(buffer.Writer, answer, RestJson.Default.BatchAnswer);
        buffer.Writer.Flush();
        return buffer;
    }
}
