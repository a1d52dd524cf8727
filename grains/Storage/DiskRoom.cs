using System.Security.Cryptography;
using OrleansKms.Files;

namespace OrleansKms.Grains.Storage;

/// <summary>
/// Finds out whether a directory's file system takes more than it holds: a database that fills space of its own goes on for a
/// while when the disk, or a quota of it, is full.
/// </summary>
internal static class DiskRoom
{
    // More than a change writes, and random: some file systems give zeros no room.
    private static readonly byte[] _content = RandomNumberGenerator.GetBytes(64 * 1024);

    /// <summary>Writes a file and empties it again. It stays, so that no name comes and goes in the directory.</summary>
    /// <param name="path">The file, which is nothing else.</param>
    /// <exception cref="IOException">There is no room, or nothing may be written; the message names the file and the cause.</exception>
    public static void Require(string path)
    {
        using var file = PrivateFile.OpenExclusive(path);
        try
        {
            RandomAccess.Write(file.SafeFileHandle, _content, 0);
        }
        finally
        {
            file.SetLength(0);
        }
    }
}
