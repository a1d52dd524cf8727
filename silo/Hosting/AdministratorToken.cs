using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Silo.Hosting;

/// <summary>
/// The administrator's bearer token in a file of the data directory: made at the first start, so that there is no default
/// password, and never printed. The process keeps only its hash.
/// </summary>
/// <param name="Path">The file.</param>
/// <param name="Sha256">The SHA-256 of the token's text.</param>
/// <param name="IsNew">Whether this start made it.</param>
internal sealed record AdministratorToken(string Path, byte[] Sha256, bool IsNew)
{
    private const int RandomLength = 32;
    private const int LeastLength = 32;
    private const int MostLength = 256;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Makes the text of a new token.</summary>
    public static string New() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(RandomLength));

    /// <summary>Reads the token, or makes it.</summary>
    /// <param name="dataDirectory">The data directory, which exists.</param>
    /// <exception cref="SettingException">The file cannot be read, is open to others, or holds no token.</exception>
    public static AdministratorToken Open(string dataDirectory)
    {
        var path = System.IO.Path.Combine(dataDirectory, "admin.token");
        try
        {
            var isNew = !File.Exists(path) && TryWrite(path, New());
            return new AdministratorToken(path, SHA256.HashData(Read(path)), isNew);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SettingException("OKMS_DATA_DIR", $"holds a token file that cannot be read or written: {path}");
        }
    }

    /// <summary>Says where a new token is; never the token.</summary>
    public void Announce(WebApplication app)
    {
        if (!IsNew) return;
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("OrleansKms.Silo");
        app.Lifetime.ApplicationStarted.Register(() => AdministratorTokenMessages.Written(logger, Path));
    }

    private static byte[] Read(string path)
    {
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & ~OwnerOnly) != 0)
        {
            throw new SettingException("OKMS_DATA_DIR", $"holds a token file that others may read; after making sure that nobody did, chmod 600 {path}");
        }
        if (new FileInfo(path).Length > MostLength + 2) throw NotAToken(path);
        var token = File.ReadAllText(path).Trim();
        // A token that was cut short, or replaced by a password, is refused rather than served.
        if (token.Length is < LeastLength or > MostLength || !token.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '~' or '+' or '/' or '='))
        {
            throw NotAToken(path);
        }
        return Encoding.ASCII.GetBytes(token);
    }

    private static SettingException NotAToken(string path) =>
        new("OKMS_DATA_DIR", $"holds a token file with something else in it than one token of {LeastLength} to {MostLength} characters: {path}");

    /// <summary>Writes a whole token or none: a name in the directory appears only once its content is on disk.</summary>
    /// <param name="path">The file, which should not exist.</param>
    /// <param name="token">The token's text.</param>
    /// <returns>False when the file is there already.</returns>
    public static bool TryWrite(string path, string token)
    {
        var temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
            using (var file = new FileStream(temporary, options))
            {
                file.Write(Encoding.ASCII.GetBytes(token + "\n"));
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(path))
        {
            // Another process made it in the meantime; the lock on the data directory decides which of the two goes on.
            return false;
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}

/// <summary>What is said about the token.</summary>
internal static partial class AdministratorTokenMessages
{
    /// <summary>Where it is; never the token.</summary>
    [LoggerMessage(1, LogLevel.Information, "A new administrator's token was written to {TokenPath}.")]
    public static partial void Written(ILogger logger, string tokenPath);
}
