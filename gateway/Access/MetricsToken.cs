using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Access;

/// <summary>
/// The token that opens <c>/metrics</c> and nothing else, so that no scraper holds the administrator's. A scrape rereads its file, at most
/// once a second: replacing the token needs no restart. While the file is unusable, the last token read stays valid.
/// </summary>
internal sealed partial class MetricsToken
{
    private static readonly TimeSpan _freshFor = TimeSpan.FromSeconds(1);

    private readonly string? _path;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Lock _lock = new();
    private byte[]? _sha256;
    private long _readAt;
    private bool _failed;

    /// <summary>Reads the file, if there is one.</summary>
    /// <exception cref="SettingException">It holds no token, or others may read it.</exception>
    public MetricsToken(GatewayOptions options, TimeProvider time, ILogger<MetricsToken> log)
    {
        (_path, _time, _log) = (options.MetricsTokenFile, time, log);
        if (_path is null) return;
        _sha256 = TokenText.ReadSha256(_path);
        _readAt = time.GetTimestamp();
    }

    /// <summary>Whether it is the token, compared in constant time.</summary>
    /// <param name="token">What the client sent; untrusted.</param>
    public bool Matches(ReadOnlySpan<char> token) => Current() is { } expected && TokenHash.Matches(token, expected);

    private byte[]? Current()
    {
        if (_path is null) return null;
        lock (_lock)
        {
            if (_time.GetElapsedTime(_readAt) < _freshFor) return _sha256;
            _readAt = _time.GetTimestamp();
            try
            {
                _sha256 = TokenText.ReadSha256(_path);
                _failed = false;
            }
            catch (SettingException e)
            {
                if (!_failed) LogNotRead(_log, e.Message);
                _failed = true;
            }

            return _sha256;
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The token for /metrics stays as it was: {Reason}", EventName = "MetricsTokenNotRead")]
    private static partial void LogNotRead(ILogger log, string reason);
}
