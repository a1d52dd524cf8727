using System.Text;
using OrleansKms.Configuration;
using OrleansKms.Files;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Transport;

namespace OrleansKms.Gateway.Access;

/// <summary>
/// The authorities that vouch for clients, from the file of OKMS_CLIENT_CA_FILE. The file is looked at every second; what replaces it
/// counts once it has been found twice the same and can be used, and until then the authorities stay as they were.
/// </summary>
internal sealed partial class ClientAuthorities : IDisposable
{
    private const int MaxBytes = 1 << 20;
    private static readonly TimeSpan _period = TimeSpan.FromSeconds(1);

    private readonly Lock _turn = new();
    private readonly string _path;
    private readonly ILogger _log;
    private readonly ITimer _timer;
    private volatile TrustedAuthorities _current;
    private string _used;
    private string _seen;

    /// <summary>Reads the file, and watches it from then on.</summary>
    /// <exception cref="SettingException">It cannot be used.</exception>
    public ClientAuthorities(GatewayOptions options, TimeProvider time, ILogger<ClientAuthorities> log)
    {
        _path = options.ClientAuthorityFile ?? throw new InvalidOperationException("Internal error: there is no file of clients' authorities.");
        _log = log;
        _used = _seen = ReadText(_path);
        _current = Open(_used, _path);
        _timer = time.CreateTimer(_ => Look(), null, _period, _period);
    }

    /// <summary>The authorities that count now.</summary>
    public TrustedAuthorities Current => _current;

    /// <summary>Refuses a start with a file that cannot be used.</summary>
    /// <exception cref="SettingException">Says why.</exception>
    public static void RequireUsable(string path) => Open(ReadText(path), path);

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private static TrustedAuthorities Open(string pem, string path) => TrustedAuthorities.Read(pem, (why, _) => Unusable(path, why));

    private static string ReadText(string path)
    {
        try
        {
            using var file = File.OpenHandle(path);
            return RandomAccess.GetLength(file) <= MaxBytes
                ? Encoding.UTF8.GetString(PrivateFile.ReadAll(file))
                : throw Unusable(path, "is too large for PEM.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(path, "is missing or cannot be read.");
        }
    }

    private static SettingException Unusable(string path, string why) =>
        new(SettingTable.ClientAuthorityFile, $"names a file that cannot be used: {path} {why}");

    private void Look()
    {
        // The timer does not wait for a slow disk; a second run has nothing to do.
        if (!_turn.TryEnter()) return;
        try
        {
            TakeUpChange();
        }
        catch (Exception e)
        {
            // Thrown out of a timer it would end the process.
            LogFailed(_log, e);
        }
        finally
        {
            _turn.Exit();
        }
    }

    private void TakeUpChange()
    {
        var problem = default(string);
        var text = "";
        try
        {
            text = ReadText(_path);
        }
        catch (SettingException e)
        {
            problem = e.Message;
        }

        // A file may be half written. What was tried already is not tried again.
        var isSettled = text == _seen;
        _seen = text;
        if (!isSettled || text == _used) return;
        _used = text;
        try
        {
            if (problem is null) _current = Open(text, _path);
        }
        catch (SettingException e)
        {
            problem = e.Message;
        }

        if (problem is null) LogReplaced(_log);
        else LogNotReplaced(_log, problem);
    }

    [LoggerMessage(3, LogLevel.Error, "The file of the authorities of clients' certificates could not be checked.", EventName = "ClientAuthoritiesNotChecked")]
    private static partial void LogFailed(ILogger log, Exception exception);

    [LoggerMessage(1, LogLevel.Information, "The authorities of clients' certificates were replaced; every certificate is checked against the new ones from now on.", EventName = "ClientAuthoritiesReplaced")]
    private static partial void LogReplaced(ILogger log);

    [LoggerMessage(2, LogLevel.Warning, "The authorities of clients' certificates stay as they were: {Reason}", EventName = "ClientAuthoritiesNotReplaced")]
    private static partial void LogNotReplaced(ILogger log, string reason);
}
