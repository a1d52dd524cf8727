using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;

namespace OrleansKms.Silo.Verbs.Files;

/// <summary>
/// The beginning of an encrypted file, in the clear: the cipher, the associated data, and the file key as each recipient's key
/// encrypted it. FORMAT.md is the specification. It has one encoding, and proves nothing before <see cref="IsOf"/>.
/// </summary>
internal sealed class FileHeader
{
    /// <summary>How many recipients a file can have.</summary>
    public const int MaxRecipients = 32;

    /// <summary>How many bytes of associated data a file can have.</summary>
    public const int MaxAssociatedData = 4096;

    /// <summary>The salt's length in bytes.</summary>
    public const int SaltLength = 32;

    private const byte Format = 1;
    private const int MaxWrapped = 1024;
    private const int MacLength = SHA256.HashSizeInBytes;
    private const int FixedLength = 13;

    private readonly byte[] _bytes;
    private readonly byte[] _mac;

    private FileHeader(FileCipher cipher, byte[] associatedData, byte[] salt, IReadOnlyList<Recipient> recipients, byte[] bytes, byte[] mac)
    {
        (Cipher, AssociatedData, Salt, Recipients) = (cipher, associatedData, salt, recipients);
        (_bytes, _mac) = (bytes, mac);
    }

    /// <summary>The cipher of the chunks.</summary>
    public FileCipher Cipher { get; }

    /// <summary>What whoever encrypted the file said about it, in the clear.</summary>
    public byte[] AssociatedData { get; }

    /// <summary>Random; from it and the file key comes the key of the chunks.</summary>
    public byte[] Salt { get; }

    /// <summary>Whose keys open the file: 1 to <see cref="MaxRecipients"/>, no key twice.</summary>
    public IReadOnlyList<Recipient> Recipients { get; }

    /// <summary>The header's length in the file, in bytes.</summary>
    public int Length => _bytes.Length + MacLength;

    private static ReadOnlySpan<byte> Magic => "okmsfile"u8;

    // Keeps apart what a service's key encrypts for files and what it encrypts for others: no ciphertext that somebody made it
    // make elsewhere opens as the key of a file. A policy can name this prefix.
    private static ReadOnlySpan<byte> Purpose => "okms-file/1:"u8;

    /// <summary>The associated data with which the service encrypts a file key.</summary>
    /// <param name="associatedData">That of the file.</param>
    public static byte[] WrappingContext(ReadOnlySpan<byte> associatedData) => [.. Purpose, .. associatedData];

    /// <summary>Makes the header of a new file.</summary>
    /// <param name="key">The file key.</param>
    /// <param name="cipher">The cipher of the chunks.</param>
    /// <param name="associatedData">Up to <see cref="MaxAssociatedData"/>.</param>
    /// <param name="salt"><see cref="SaltLength"/> random bytes, never used before.</param>
    /// <param name="wrapped">The file key under the key of each recipient, as the service answered it.</param>
    /// <exception cref="FileFormatException">A wrapped key is none, two are of one key, or there are too many.</exception>
    public static FileHeader Make(FileKey key, FileCipher cipher, byte[] associatedData, byte[] salt, IReadOnlyList<byte[]> wrapped)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(associatedData.Length, MaxAssociatedData);
        ArgumentOutOfRangeException.ThrowIfNotEqual(salt.Length, SaltLength);
        var bytes = new ArrayBufferWriter<byte>();
        bytes.Write(Magic);
        bytes.Write([Format, cipher.Id, (byte)Math.Min(wrapped.Count, byte.MaxValue)]);
        Write16(bytes, associatedData.Length);
        bytes.Write(associatedData);
        bytes.Write(salt);
        foreach (var one in wrapped)
        {
            Write16(bytes, Math.Min(one.Length, ushort.MaxValue));
            bytes.Write(one);
        }

        var mac = key.MacOf(bytes.WrittenSpan);
        bytes.Write(mac);
        // What was made must be what is read: the reader's rules stand once.
        return Read(new MemoryStream(bytes.WrittenSpan.ToArray()));
    }

    /// <summary>Reads a header and nothing that follows it.</summary>
    /// <param name="file">The beginning of the file.</param>
    /// <exception cref="FileFormatException">There is none, or it is malformed or cut off.</exception>
    public static FileHeader Read(Stream file)
    {
        var read = new ArrayBufferWriter<byte>();
        var start = Take(file, read, Magic.Length, FileFault.NotEncrypted);
        if (!start.Span.SequenceEqual(Magic)) throw Fault(FileFault.NotEncrypted);
        var rest = Take(file, read, FixedLength - Magic.Length).Span;
        var (format, id, count, length) = (rest[0], rest[1], rest[2], BinaryPrimitives.ReadUInt16BigEndian(rest[3..]));
        if (format != Format || FileCipher.Of(id) is not { } cipher) throw Fault(FileFault.UnknownFormat);
        if (count is 0 or > MaxRecipients || length > MaxAssociatedData) throw Fault(FileFault.BadHeader);
        var associatedData = Take(file, read, length).ToArray();
        var salt = Take(file, read, SaltLength).ToArray();
        var recipients = new List<Recipient>(count);
        while (recipients.Count < count) recipients.Add(TakeRecipient(file, read, recipients));
        var bytes = read.WrittenSpan.ToArray();
        return new(cipher, associatedData, salt, recipients, bytes, Take(file, read, MacLength).ToArray());
    }

    /// <summary>Whether the header is, to the last bit, one that was made with this file key.</summary>
    public bool IsOf(FileKey key) => CryptographicOperations.FixedTimeEquals(key.MacOf(_bytes), _mac);

    /// <summary>Writes it.</summary>
    public void WriteTo(Stream file)
    {
        file.Write(_bytes);
        file.Write(_mac);
    }

    private static Recipient TakeRecipient(Stream file, ArrayBufferWriter<byte> read, List<Recipient> known)
    {
        var length = BinaryPrimitives.ReadUInt16BigEndian(Take(file, read, sizeof(ushort)).Span);
        if (length > MaxWrapped) throw Fault(FileFault.BadHeader);
        var wrapped = Take(file, read, length).ToArray();
        return CiphertextHeader.TryRead(wrapped, out var header)
            && header.Kind is CiphertextKind.Data or CiphertextKind.DataKey
            && !known.Exists(other => other.KeyId == header.KeyId)
            ? new(header.KeyId, header.KeyVersion, wrapped)
            : throw Fault(FileFault.BadHeader);
    }

    private static ReadOnlyMemory<byte> Take(Stream file, ArrayBufferWriter<byte> read, int length, FileFault otherwise = FileFault.CutOff)
    {
        var room = read.GetMemory(length)[..length];
        if (file.ReadAtLeast(room.Span, length, throwOnEndOfStream: false) < length) throw Fault(otherwise);
        read.Advance(length);
        return room;
    }

    private static void Write16(ArrayBufferWriter<byte> bytes, int number)
    {
        BinaryPrimitives.WriteUInt16BigEndian(bytes.GetSpan(sizeof(ushort)), (ushort)number);
        bytes.Advance(sizeof(ushort));
    }

    private static FileFormatException Fault(FileFault fault) => new(fault, fault switch
    {
        FileFault.NotEncrypted => "This is no file of encrypt-file; what okms encrypt printed is for okms decrypt.",
        FileFault.UnknownFormat => "This file has a format that this program does not know; a newer one may.",
        FileFault.CutOff => "The file ends within its header.",
        _ => "The header of the file is malformed.",
    });
}

/// <summary>One of those who can open a file: everyone who may decrypt with this key.</summary>
/// <param name="KeyId">The key, as the wrapped file key names it.</param>
/// <param name="KeyVersion">Its version.</param>
/// <param name="Wrapped">The file key, encrypted by the service.</param>
internal sealed record Recipient(string KeyId, int KeyVersion, byte[] Wrapped);
