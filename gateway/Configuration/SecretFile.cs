using System.Text;
using OrleansKms.Configuration;
using OrleansKms.Files;

namespace OrleansKms.Gateway.Configuration;

/// <summary>A file with a secret, supplied by an operator or a platform. Its group may read it.</summary>
internal static class SecretFile
{
    private const int MaxLength = 16 * 1024;

    /// <summary>The one line of text in the file, without white space around it.</summary>
    /// <param name="setting">The setting that names the file.</param>
    /// <param name="path">An absolute path.</param>
    /// <exception cref="SettingException">It is missing, open to others, empty, or not one line of text.</exception>
    public static string Read(Setting setting, string path)
    {
        var content = Use(setting, path, () => PrivateFile.Read(path, SecretReaders.Group, MaxLength))
            ?? throw new SettingException(setting, $"names a file that is too long for a secret: {path}");
        // As a reader of text files does.
        using var reader = new StreamReader(new MemoryStream(content), Encoding.UTF8);
        var text = reader.ReadToEnd().Trim();
        Array.Clear(content);
        if (text.Length == 0) throw new SettingException(setting, $"names a file that is empty: {path}");
        return text.Any(char.IsControl)
            ? throw new SettingException(setting, $"names a file with more in it than one line of text: {path}")
            : text;
    }

    /// <summary>Refuses a file that is missing, or that others than its owner and group may read.</summary>
    /// <param name="setting">The setting that names the file.</param>
    /// <param name="path">An absolute path.</param>
    /// <exception cref="SettingException">It is missing, or open to others.</exception>
    public static void RequirePrivate(Setting setting, string path) =>
        Use(setting, path, () => PrivateFile.Open(path, SecretReaders.Group)).Dispose();

    private static T Use<T>(Setting setting, string path, Func<T> use)
    {
        try
        {
            return use();
        }
        catch (OpenToOthersException e)
        {
            throw new SettingException(setting, $"names a file that others may read; after making sure that nobody did, {e.Remedy}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SettingException(setting, $"names a file that is missing or cannot be read: {path}");
        }
    }
}
