using OrleansKms.Silo.Verbs.Files;

namespace OrleansKms.Tests.Unit.Verbs;

/// <summary>Whatever is done to a file, it does not open to its end, and nothing is released that was not its content up to there.</summary>
public sealed class FileTamperTests
{
    private const int Sealed = Payload.SealedLength;

    public static TheoryData<int> Lengths => [0, 1, Payload.ChunkLength - 1, Payload.ChunkLength, Payload.ChunkLength + 1, 3 * Payload.ChunkLength, (3 * Payload.ChunkLength) + 5];

    private static int HeaderLength => (FileVectors.HeaderInHex.Length / 2) + 32;

    [Theory]
    [MemberData(nameof(Lengths))]
    public void ThereAndBack(int length)
    {
        foreach (var cipher in FileCipher.All)
        {
            Assert.Equal(FileVectors.Content(length), FileVectors.Open(Made(length, cipher)));
        }
    }

    [Fact]
    public void EveryByteOfTheHeader_Counts()
    {
        var file = Made(5);
        for (var i = 0; i < HeaderLength; i++)
        {
            foreach (var flip in (byte[])[1, 0x80, 0xff])
            {
                var fault = Refused(Changed(file, i, flip), 0);
                Assert.True(
                    fault is FileFault.NotEncrypted or FileFault.UnknownFormat or FileFault.BadHeader or FileFault.ChangedHeader or FileFault.CutOff, $"{i}: {fault}");
            }
        }
    }

    [Fact]
    public void EveryByteOfAChunk_Counts()
    {
        var file = Made(20);
        for (var i = HeaderLength; i < file.Length; i++) Assert.Equal(FileFault.ChangedChunk, Refused(Changed(file, i, 1), 0));
        var longer = Made((2 * Payload.ChunkLength) + 20);
        foreach (var (at, released) in ((int, int)[])[(0, 0), (Sealed - 1, 0), (Sealed, 1), ((2 * Sealed) - 1, 1), (2 * Sealed, 2), ((2 * Sealed) + 35, 2)])
        {
            Assert.Equal(FileFault.ChangedChunk, Refused(Changed(longer, HeaderLength + at, 0x10), released * Payload.ChunkLength));
        }
    }

    [Fact]
    public void CutOffAnywhere_IsRefused()
    {
        var file = Made(20);
        for (var length = 0; length < file.Length; length++)
        {
            var fault = Refused(file[..length], 0);
            Assert.Equal(length < 8 ? FileFault.NotEncrypted : length < HeaderLength + 16 ? FileFault.CutOff : FileFault.ChangedChunk, fault);
        }
    }

    [Theory]
    [InlineData(0, nameof(FileFault.CutOff), 0)]
    [InlineData(1, nameof(FileFault.CutOff), 0)]
    [InlineData(16, nameof(FileFault.ChangedChunk), 0)]
    [InlineData(Sealed - 1, nameof(FileFault.ChangedChunk), 0)]
    [InlineData(Sealed, nameof(FileFault.CutOff), 0)]
    [InlineData(Sealed + 1, nameof(FileFault.CutOff), 1)]
    [InlineData(Sealed + 16, nameof(FileFault.CutOff), 1)]
    [InlineData(Sealed + 17, nameof(FileFault.ChangedChunk), 1)]
    [InlineData(2 * Sealed, nameof(FileFault.CutOff), 1)]
    [InlineData((3 * Sealed) - 1, nameof(FileFault.ChangedChunk), 2)]
    public void CutOffBetweenChunks_ReleasesOnlyWhatIsNotTheLast(int left, string expected, int released) =>
        Assert.Equal(Enum.Parse<FileFault>(expected), Refused(Made(3 * Payload.ChunkLength)[..(HeaderLength + left)], released * Payload.ChunkLength, 3 * Payload.ChunkLength));

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Extended_IsRefused(int length)
    {
        var file = Made(length);
        var chunks = Chunks(file);
        var released = (chunks.Count - 1) * Payload.ChunkLength;
        foreach (var more in (byte[][])[[0], new byte[15], new byte[16], new byte[17], new byte[Sealed], chunks[0], chunks[^1], file])
        {
            Assert.Contains(Refused([.. file, .. more], released, length), (FileFault[])[FileFault.Extended, FileFault.ChangedChunk]);
        }
    }

    [Fact]
    public void ExtendedAfterAFullChunk_SaysSo() => Assert.Equal(FileFault.Extended, Refused([.. Made(Payload.ChunkLength), 0], 0, Payload.ChunkLength));

    [Fact]
    public void ChunksMovedDroppedOrRepeated_AreRefused()
    {
        const int Length = (4 * Payload.ChunkLength) + 100;
        var file = Made(Length);
        var chunks = Chunks(file);
        var orders = new List<int[]>
        {
            new[] { 1, 0, 2, 3, 4 }, new[] { 0, 2, 1, 3, 4 }, new[] { 0, 1, 3, 2, 4 }, new[] { 0, 1, 2, 4, 3 }, new[] { 4, 0, 1, 2, 3 }, new[] { 4, 3, 2, 1, 0 },
            new[] { 0, 0, 1, 2, 3, 4 }, new[] { 0, 1, 2, 3, 3, 4 }, new[] { 0, 1, 2, 3, 4, 4 }, new[] { 0, 1, 1, 3, 4 },
            new[] { 1, 2, 3, 4 }, new[] { 0, 2, 3, 4 }, new[] { 0, 1, 2, 4 }, new[] { 0, 1, 2, 3 }, new[] { 4 }, new[] { 0 },
        };
        Assert.All(orders, order =>
        {
            var intact = order.TakeWhile((chunk, at) => chunk == at && chunk < 4).Count();
            Refused([.. file[..HeaderLength], .. order.SelectMany(chunk => chunks[chunk])], Math.Min(intact, order.Length - 1) * Payload.ChunkLength, Length);
        });
    }

    [Fact]
    public void ChunkOfAnotherFile_IsRefused_AlsoWithTheSameFileKey()
    {
        const int Length = (2 * Payload.ChunkLength) + 7;
        var (one, other) = (Made(Length), Made(Length, FileCipher.Aes256Gcm, salt: 0x11));
        var (chunks, others) = (Chunks(one), Chunks(other));
        for (var i = 0; i < chunks.Count; i++)
        {
            var mixed = chunks.Select((chunk, at) => at == i ? others[at] : chunk).SelectMany(chunk => chunk);
            Assert.Equal(FileFault.ChangedChunk, Refused([.. one[..HeaderLength], .. mixed], i * Payload.ChunkLength, Length));
        }

        // The header of one and the chunks of the other, and the other cipher.
        Assert.Equal(FileFault.ChangedChunk, Refused([.. other[..HeaderLength], .. one[HeaderLength..]], 0));
        Assert.Equal(FileFault.ChangedChunk, Refused([.. Made(Length, FileCipher.ChaCha20Poly1305)[..HeaderLength], .. one[HeaderLength..]], 0));
    }

    [Fact]
    public void EmptyLastChunk_OpensOnlyAnEmptyFile()
    {
        // As a writer would make it that always ends with a short chunk: authentic, and yet no file of this format.
        using var key = FileKey.TryCopy(FileVectors.Key)!;
        using var chunks = key.OpenPayloadKey(FileCipher.Aes256Gcm, FileVectors.Salt);
        var full = new byte[Payload.ChunkLength];
        var (ciphertext, tag, last) = (new byte[full.Length], new byte[16], new byte[16]);
        chunks.Encrypt(new byte[12], full, ciphertext, tag, []);
        chunks.Encrypt([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1], [], [], last, []);
        Assert.Equal(FileFault.CutOff, Refused([.. Made(0)[..HeaderLength], .. ciphertext, .. tag, .. last], Payload.ChunkLength, Payload.ChunkLength, full));
    }

    // Everything that opens is what was encrypted, and what does not open released a beginning of it.
    private static FileFault Refused(byte[] file, int released, int length = 300_000, byte[]? content = null)
    {
        var output = new MemoryStream();
        var fault = Assert.Throws<FileFormatException>(() => FileVectors.Open(file, output));
        Assert.Equal(released, output.Length);
        Assert.Equal((content ?? FileVectors.Content(length))[..released], output.ToArray());
        Assert.NotEmpty(fault.Message);
        return fault.Fault;
    }

    private static byte[] Made(int length, FileCipher? cipher = null, byte salt = 0)
    {
        var file = FileVectors.Make(cipher ?? FileCipher.Aes256Gcm, "db=orders", FileVectors.Content(length), FileVectors.Backups);
        return salt == 0 ? file : WithSalt(salt, length);
    }

    private static byte[] WithSalt(byte filling, int length)
    {
        using var key = FileKey.TryCopy(FileVectors.Key)!;
        var file = new MemoryStream();
        var salt = Enumerable.Repeat(filling, FileHeader.SaltLength).ToArray();
        FileHeader.Make(key, FileCipher.Aes256Gcm, "db=orders"u8.ToArray(), salt, [FileVectors.Backups]).WriteTo(file);
        using var chunks = key.OpenPayloadKey(FileCipher.Aes256Gcm, salt);
        Payload.Encrypt(chunks, new MemoryStream(FileVectors.Content(length)), file);
        return file.ToArray();
    }

    private static byte[] Changed(byte[] file, int at, byte flip)
    {
        var changed = (byte[])file.Clone();
        changed[at] ^= flip;
        return changed;
    }

    private static List<byte[]> Chunks(byte[] file) => [.. file[HeaderLength..].Chunk(Sealed)];
}
