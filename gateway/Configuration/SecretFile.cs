using OrleansKms.Configuration;

namespace OrleansKms.Gateway.Configuration;

/// <summary>
/// A file that an operator, or the platform for him, puts there with a secret in it. Its group may read it: a platform's
/// secret belongs to root, and reaches a process that is not root by its group or by an access list, which shows as the group.
/// </summary>
internal static class SecretFile
{
    private const int MaxLength = 16 * 1024;

    private const UnixFileMode TooOpen =
        UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>The one line of text in the file, without white space around it.</summary>
    /// <param name="setting">The setting that names the file.</param>
    /// <param name="path">An absolute path.</param>
    /// <exception cref="SettingException">It is not there, open to others, empty, or not one line of text.</exception>
    public static string Read(Setting setting, string path)
    {
        RequirePrivate(setting, path);
        try
        {
            if (new FileInfo(path).Length > MaxLength) throw new SettingException(setting, $"names a file that is too long for a secret: {path}");
            var text = File.ReadAllText(path).Trim();
            if (text.Length == 0) throw new SettingException(setting, $"names a file that is empty: {path}");
            return text.Any(char.IsControl)
                ? throw new SettingException(setting, $"names a file with more in it than one line of text: {path}")
                : text;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CannotBeRead(setting, path);
        }
    }

    /// <summary>Refuses a file that is not there, or that others than its owner and group may read.</summary>
    /// <param name="setting">The setting that names the file.</param>
    /// <param name="path">An absolute path.</param>
    /// <exception cref="SettingException">It is so.</exception>
    public static void RequirePrivate(Setting setting, string path)
    {
        if (!File.Exists(path)) throw CannotBeRead(setting, path);
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & TooOpen) != 0)
        {
            throw new SettingException(setting, $"names a file that others may read; after making sure that nobody did, chmod o=,g-wx {path}");
        }
    }

    private static SettingException CannotBeRead(Setting setting, string path) =>
        new(setting, $"names a file that is not there or cannot be read: {path}");
}
