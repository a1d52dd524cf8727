using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using OrleansKms.Configuration;
using OrleansKms.Files;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Silo.Hosting;

/// <summary>
/// A bearer token in a file of the data directory: generated at the first start, so that there is no default password, and never
/// printed. The process keeps only its hash.
/// </summary>
/// <param name="Path">The file.</param>
/// <param name="Sha256">The SHA-256 of the token's text.</param>
/// <param name="IsNew">Whether this start generated it.</param>
internal sealed record TokenFile(string Path, byte[] Sha256, bool IsNew)
{
    private const int RandomLength = 32;

    /// <summary>Generates the text of a new token.</summary>
    public static string New() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(RandomLength));

    /// <summary>Reads the administrator's token, or generates it.</summary>
    /// <param name="dataDirectory">The data directory, which exists.</param>
    /// <exception cref="SettingException">The file cannot be read, is open to others, or holds no token.</exception>
    public static TokenFile OpenAdministrator(string dataDirectory) => Open(System.IO.Path.Combine(dataDirectory, "admin.token"));

    /// <summary>Reads the token for <c>/metrics</c>, or generates it.</summary>
    /// <inheritdoc cref="OpenAdministrator"/>
    public static TokenFile OpenMetrics(string dataDirectory) => Open(System.IO.Path.Combine(dataDirectory, "metrics.token"));

    /// <summary>Logs where a new token is; never the token.</summary>
    /// <param name="app">The host.</param>
    /// <param name="what">What it is, as in "administrator's token".</param>
    public void Announce(WebApplication app, string what)
    {
        if (!IsNew) return;
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("OrleansKms.Silo");
        app.Lifetime.ApplicationStarted.Register(() => TokenFileMessages.Written(logger, what, Path));
    }

    private static TokenFile Open(string path)
    {
        try
        {
            // When two processes generate it at once, the lock on the data directory decides which continues.
            var isNew = !File.Exists(path) && PrivateFile.TryWriteNew(path, Line(New()));
            return new TokenFile(path, SHA256.HashData(Read(path)), isNew);
        }
        catch (OpenToOthersException e)
        {
            throw new SettingException(
                SettingTable.DataDirectory, $"holds a token file that others may read; after making sure that nobody did, {e.Remedy}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SettingException(SettingTable.DataDirectory, $"holds a token file that cannot be read or written: {path}: {e.Message}");
        }
    }

    private static byte[] Read(string path)
    {
        var content = PrivateFile.Read(path, SecretReaders.Nobody, TokenText.MaxLength + 2) ?? throw NotAToken(path);
        var token = Encoding.UTF8.GetString(content).Trim();
        return TokenText.IsValid(token) ? Encoding.ASCII.GetBytes(token) : throw NotAToken(path);
    }

    private static byte[] Line(string token) => Encoding.ASCII.GetBytes(token + "\n");

    private static SettingException NotAToken(string path) => new(
        SettingTable.DataDirectory,
        $"holds a token file with something else in it than one token of {TokenText.MinLength} to {TokenText.MaxLength} characters: {path}");

    /// <summary>Writes a whole token or none: a name in the directory appears only once its content is on disk.</summary>
    /// <param name="path">The file, which should not exist.</param>
    /// <param name="token">The token's text.</param>
    /// <exception cref="StartRefusedException">It cannot be written, or exists already.</exception>
    public static void WriteNew(string path, string token)
    {
        try
        {
            if (PrivateFile.TryWriteNew(path, Line(token))) return;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"The token file {path} cannot be written: {e.Message}", e);
        }
        throw new StartRefusedException($"The token file {path} exists already, and is not overwritten.");
    }
}

/// <summary>What is logged about a token.</summary>
internal static partial class TokenFileMessages
{
    /// <summary>Where it is; never the token.</summary>
    [LoggerMessage(1, LogLevel.Information, "A new {What} was written to {TokenPath}.", EventName = "TokenWritten")]
    public static partial void Written(ILogger logger, string what, string tokenPath);
}
