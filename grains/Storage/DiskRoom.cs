using System.Security.Cryptography;
using OrleansKms.Files;

namespace OrleansKms.Grains.Storage;

/// <summary>
/// Finds out whether a directory's file system has room for more data: a database that fills space it has already allocated goes
/// on for a while after the disk, or a quota, is full.
/// </summary>
internal static class DiskRoom
{
    // More than a change writes, and random, since some file systems store zeros in no space.
    private static readonly byte[] _content = RandomNumberGenerator.GetBytes(64 * 1024);

    /// <summary>Writes a file and truncates it again. The file stays, so that the directory does not change.</summary>
    /// <param name="path">A file used for nothing else.</param>
    /// <exception cref="IOException">
    /// There is no room, or writing is not permitted; the message names the file and the cause.
    /// </exception>
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
