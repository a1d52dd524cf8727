using OrleansKms.Configuration;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Silo.Hosting;

/// <summary>The directory of all that a silo keeps on its own disk; only its owner may look into it.</summary>
internal static class DataDirectory
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Makes the directory, or closes an existing one to group and others.</summary>
    /// <param name="path">An absolute path.</param>
    /// <exception cref="SettingException">It cannot be made or used.</exception>
    public static void Prepare(string path)
    {
        try
        {
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(path);
                return;
            }
            Directory.CreateDirectory(path, OwnerOnly);
            if (File.GetUnixFileMode(path) != OwnerOnly) File.SetUnixFileMode(path, OwnerOnly);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SettingException(SettingTable.DataDirectory, $"names a directory that cannot be used: {path}: {e.Message}");
        }
    }
}
