using OrleansKms.Silo.Verbs.Files;

namespace OrleansKms.Tests.Unit.Verbs;

/// <summary>What a header of a file can be, and how a file is read whose pieces come as they come.</summary>
public sealed class FileHeaderTests
{
    [Fact]
    public void Header_SaysWhatItWasMadeWith()
    {
        var header = FileVectors.Open(FileVectors.Make(FileCipher.ChaCha20Poly1305, "db=orders", [1], FileVectors.Backups, FileVectors.Escrow), Stream.Null);
        Assert.Equal([("backups", 7), ("escrow", 3)], header.Recipients.Select(r => (r.KeyId, r.KeyVersion)));
        Assert.Equal([FileVectors.Backups, FileVectors.Escrow], header.Recipients.Select(r => r.Wrapped));
        Assert.Equal((FileCipher.ChaCha20Poly1305, "db=orders"), (header.Cipher, System.Text.Encoding.ASCII.GetString(header.AssociatedData)));
        Assert.Equal("okms-file/1:db=orders"u8, FileHeader.WrappingContext(header.AssociatedData));
    }

    [Fact]
    public void RecipientsUpTo32_AndAssociatedDataUpTo4096_FitInAHeader()
    {
        var wrapped = Enumerable.Range(1, 32).Select(i => FileVectors.Wrapped(1, 1, $"key-{i}", 1)).ToArray();
        var header = FileVectors.Open(FileVectors.Make(FileCipher.Aes256Gcm, new string('a', 4096), [1], wrapped), Stream.Null);
        Assert.Equal((32, 4096), (header.Recipients.Count, header.AssociatedData.Length));
        Assert.Equal(FileFault.BadHeader, Refused(() => FileVectors.Make(FileCipher.Aes256Gcm, "", [1], [.. wrapped, FileVectors.Backups])));
        Assert.Throws<ArgumentOutOfRangeException>(() => FileVectors.Make(FileCipher.Aes256Gcm, new string('a', 4097), [1], wrapped));
    }

    [Fact]
    public void WrappedKeys_AreCiphertextsOfDifferentKeys()
    {
        foreach (var wrapped in (byte[][][])
        [
            [],
            [[]],
            [[1, 2, 3]],
            [new byte[1025]],
            [[.. FileVectors.Backups, .. new byte[1024]]],
            [FileVectors.Wrapped(3, 1, "a-pair", 1)],
            [FileVectors.Wrapped(1, 0, "version-0", 1)],
            [FileVectors.Wrapped(1, 1, "no key id", 1)],
            [FileVectors.Backups, FileVectors.Wrapped(1, 8, "backups", 1)],
        ])
        {
            Assert.Equal(FileFault.BadHeader, Refused(() => FileVectors.Make(FileCipher.Aes256Gcm, "", [1], wrapped)));
        }
    }

    [Fact]
    public void OtherFiles_AreNotTakenForOurs()
    {
        foreach (var file in (byte[][])[[], "hello, this is no encrypted file at all"u8.ToArray(), new byte[100], "okmsfil"u8.ToArray()])
        {
            Assert.Equal(FileFault.NotEncrypted, Refused(() => FileVectors.Open(file)));
        }

        var ours = FileVectors.Make(FileCipher.Aes256Gcm, "", [1], FileVectors.Backups);
        foreach (var (at, value) in ((int, byte)[])[(8, 0), (8, 2), (9, 0), (9, 2), (9, 3), (9, 5)])
        {
            Assert.Equal(FileFault.UnknownFormat, Refused(() => FileVectors.Open([.. ours[..at], value, .. ours[(at + 1)..]])));
        }
    }

    [Fact]
    public void AnotherFileKey_IsSeenAtTheHeader()
    {
        var header = FileHeader.Read(new MemoryStream(FileVectors.Make(FileCipher.Aes256Gcm, "", [1], FileVectors.Backups)));
        using var right = FileKey.TryCopy(FileVectors.Key)!;
        using var other = FileKey.TryCopy(FileVectors.Salt)!;
        Assert.Equal((true, false), (header.IsOf(right), header.IsOf(other)));
        Assert.Null(FileKey.TryCopy(FileVectors.Key.AsSpan(1)));
        Assert.Null(FileKey.TryCopy(new byte[33]));
    }

    [Fact]
    public void Pieces_OfAnySize_MakeTheSameFile()
    {
        var content = FileVectors.Content((2 * Payload.ChunkLength) + 1);
        var whole = FileVectors.Make(FileCipher.Aes256Gcm, "", content, FileVectors.Backups);
        foreach (var seed in Enumerable.Range(1, 5))
        {
            using var key = FileKey.TryCopy(FileVectors.Key)!;
            var file = new MemoryStream();
            FileHeader.Make(key, FileCipher.Aes256Gcm, [], FileVectors.Salt, [FileVectors.Backups]).WriteTo(file);
            using var chunks = key.OpenPayloadKey(FileCipher.Aes256Gcm, FileVectors.Salt);
            var heard = new List<long>();
            Payload.Encrypt(chunks, new Trickle(content, new Random(seed)), file, heard.Add);
            Assert.Equal(whole, file.ToArray());
            Assert.Equal([Payload.ChunkLength, 2 * Payload.ChunkLength, content.Length], heard);

            var trickle = new Trickle(whole, new Random(seed));
            var header = FileHeader.Read(trickle);
            var output = new MemoryStream();
            Payload.Decrypt(chunks, trickle, output);
            Assert.Equal(content, output.ToArray());
            Assert.Equal(whole.Length - header.Length, content.Length + (3 * 16));
        }
    }

    private static FileFault Refused(Action action) => Assert.Throws<FileFormatException>(action).Fault;

    /// <summary>A pipe: reads give less than they were asked for.</summary>
    private sealed class Trickle(byte[] content, Random random) : MemoryStream(content)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, random.Next(1, 9000))]);
    }
}
