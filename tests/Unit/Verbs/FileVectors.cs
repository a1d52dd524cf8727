using System.Text;
using OrleansKms.Silo.Verbs.Files;

namespace OrleansKms.Tests.Unit.Verbs;

/// <summary>What the vectors of silo/Verbs/Files/FORMAT.md are made of. They were computed from that page by pyca/cryptography.</summary>
internal static class FileVectors
{
    /// <summary>The file key of all of them.</summary>
    internal static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    /// <summary>The salt of all of them.</summary>
    internal static readonly byte[] Salt = [.. Enumerable.Range(0xa0, 32).Select(i => (byte)i)];

    /// <summary>A made-up data key of version 7 of the key "backups".</summary>
    internal static readonly byte[] Backups = Wrapped(2, 7, "backups", 0xd1);

    /// <summary>Made-up data of version 3 of the key "escrow".</summary>
    internal static readonly byte[] Escrow = Wrapped(1, 3, "escrow", 0xd2);

    /// <summary>The start of the first vector, up to its MAC.</summary>
    internal const string HeaderInHex =
        "6f6b6d7366696c650101010009" + "64623d6f7264657273" + "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
        + "004a020100000007076261636b757073"
        + "d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1";

    /// <summary>The content of the longer vectors.</summary>
    internal static byte[] Content(int length) => [.. Enumerable.Range(0, length).Select(i => unchecked((byte)((i * i) + (i / 251))))];

    /// <summary>A wrapped file key as a service could have answered it.</summary>
    internal static byte[] Wrapped(byte kind, byte version, string id, byte filling) =>
        [kind, 1, 0, 0, 0, version, (byte)id.Length, .. Encoding.ASCII.GetBytes(id), .. Enumerable.Repeat(filling, 60)];

    /// <summary>Makes a file.</summary>
    internal static byte[] Make(FileCipher cipher, string associatedData, byte[] content, params byte[][] wrapped)
    {
        using var key = FileKey.TryCopy(Key)!;
        var file = new MemoryStream();
        var header = FileHeader.Make(key, cipher, Encoding.ASCII.GetBytes(associatedData), Salt, wrapped);
        header.WriteTo(file);
        using var chunks = key.OpenPayloadKey(cipher, header.Salt);
        Payload.Encrypt(chunks, new MemoryStream(content), file);
        return file.ToArray();
    }

    /// <summary>Opens a file as decrypt-file does.</summary>
    /// <param name="file">The file.</param>
    /// <param name="output">Receives what is released, also when it fails.</param>
    /// <exception cref="FileFormatException">It does not open.</exception>
    internal static FileHeader Open(byte[] file, Stream output)
    {
        var input = new MemoryStream(file);
        using var key = FileKey.TryCopy(Key)!;
        var header = FileHeader.Read(input);
        if (!header.IsOf(key)) throw new FileFormatException(FileFault.ChangedHeader, "changed");
        using var chunks = key.OpenPayloadKey(header.Cipher, header.Salt);
        Payload.Decrypt(chunks, input, output);
        return header;
    }

    /// <summary>The content of a file that is whole.</summary>
    internal static byte[] Open(byte[] file)
    {
        var output = new MemoryStream();
        Open(file, output);
        return output.ToArray();
    }
}
