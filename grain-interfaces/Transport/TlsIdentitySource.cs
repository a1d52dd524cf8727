using Microsoft.Extensions.Logging;

namespace OrleansKms.Transport;

/// <summary>
/// The identity that new connections use: the files are checked every second, and taken over when they were replaced. Files are
/// replaced one after the other, so a new set must be found identical twice, and fit together, before it counts; until then the
/// old one stays.
/// </summary>
internal sealed partial class TlsIdentitySource : IDisposable
{
    private static readonly TimeSpan _period = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _warningPeriod = TimeSpan.FromHours(6);
    private static readonly TimeSpan _longestNotice = TimeSpan.FromDays(14);

    /// <summary>A certificate shorter than two months is renewed more often, so the warning comes later.</summary>
    private const int ShareOfLifetime = 4;

    private readonly Lock _turn = new();
    private readonly MutualTlsFiles _files;
    private readonly CertificateRole _role;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private volatile TlsIdentity _current;
    private string _seen;
    private string? _reported;
    private DateTimeOffset _warned = DateTimeOffset.MinValue;

    /// <summary>Starts watching.</summary>
    /// <param name="files">The files.</param>
    /// <param name="role">The role of this process.</param>
    /// <param name="first">What they held at the start.</param>
    /// <param name="clock">The time.</param>
    /// <param name="logger">Receives every change, and a warning before expiry.</param>
    public TlsIdentitySource(MutualTlsFiles files, CertificateRole role, TlsIdentity first, TimeProvider clock, ILogger logger)
    {
        (_files, _role, _clock, _logger) = (files, role, clock, logger);
        _current = first;
        _seen = first.Fingerprint;
        Loaded(logger, first.Subject, first.NotAfter);
        WarnOfExpiry();
        _timer = clock.CreateTimer(_ => Look(), null, _period, _period);
    }

    /// <summary>How old a connection may become.</summary>
    public TimeSpan MaxConnectionAge => _files.MaxConnectionAge;

    /// <summary>The identity for a handshake that begins now.</summary>
    public TlsIdentity Current => _current;

    /// <summary>Reads the files once, as a start does.</summary>
    /// <exception cref="StartRefusedException">They cannot be used; the message names the one at fault.</exception>
    public static TlsIdentity Read(MutualTlsFiles files, CertificateRole role, TimeProvider clock)
    {
        using var contents = TlsFileContents.Read(files);
        return TlsIdentity.Open(contents, role, clock.GetUtcNow());
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        // The timer does not wait for a slow disk; a second run has nothing to do.
        if (!_turn.TryEnter()) return;
        try
        {
            TakeUpChange();
            WarnOfExpiry();
        }
        catch (Exception e)
        {
            // Thrown out of a timer it would end the process.
            LookFailed(_logger, e);
        }
        finally
        {
            _turn.Exit();
        }
    }

    private void TakeUpChange()
    {
        var (contents, unreadable) = TryRead();
        using (contents)
        {
            if (!IsSettledChange(contents?.Fingerprint ?? unreadable!)) return;
            try
            {
                if (contents is null) Report(unreadable!);
                else TakeUp(TlsIdentity.Open(contents, _role, _clock.GetUtcNow()));
            }
            catch (StartRefusedException e)
            {
                Report(e.Message);
            }
        }
    }

    private (TlsFileContents? Contents, string? Unreadable) TryRead()
    {
        try
        {
            return (TlsFileContents.Read(_files), null);
        }
        catch (StartRefusedException e)
        {
            return (null, e.Message);
        }
    }

    /// <summary>Whether the files differ from those in use, and were the same a second ago.</summary>
    private bool IsSettledChange(string sight)
    {
        var settled = sight == _seen;
        _seen = sight;
        if (sight == _current.Fingerprint) _reported = null;
        return settled && sight != _current.Fingerprint;
    }

    private void TakeUp(TlsIdentity identity)
    {
        if (_role != CertificateRole.Silo && identity.NameDigest != _current.NameDigest)
        {
            // Silos would refuse each new connection: the id of a running client is bound to the name that it began with.
            throw TlsFile.Certificate(_files).Unusable(
                $"names {identity.Subject}, which is not, byte for byte, the name that this client began with: keep the name, or restart the client.");
        }
        _current = identity;
        _reported = null;
        _warned = DateTimeOffset.MinValue;
        Reloaded(_logger, identity.Subject, identity.NotAfter);
    }

    /// <summary>Reports a problem once; retries continue anyway, since a certificate may become valid by itself.</summary>
    private void Report(string problem)
    {
        if (problem == _reported) return;
        _reported = problem;
        NotReloaded(_logger, problem, _current.Subject, _current.NotAfter);
    }

    private void WarnOfExpiry()
    {
        var identity = _current;
        var now = _clock.GetUtcNow();
        var share = (identity.NotAfter - identity.NotBefore) / ShareOfLifetime;
        var notice = share < _longestNotice ? share : _longestNotice;
        if (identity.NotAfter - now > notice || now - _warned < _warningPeriod) return;
        _warned = now;
        ExpiresSoon(_logger, _files.CertificateFile, identity.EndsFirst, identity.NotAfter);
    }

    [LoggerMessage(LogLevel.Information, "Connections use the TLS certificate {Subject}, valid until {NotAfter:u}.")]
    private static partial void Loaded(ILogger logger, string subject, DateTimeOffset notAfter);

    [LoggerMessage(LogLevel.Information, "The TLS files were replaced: new connections use the certificate {Subject}, valid until {NotAfter:u}.")]
    private static partial void Reloaded(ILogger logger, string subject, DateTimeOffset notAfter);

    [LoggerMessage(LogLevel.Warning, "The TLS files were changed and cannot be used: {Problem} New connections still use the "
        + "certificate {Subject}, valid until {NotAfter:u}.")]
    private static partial void NotReloaded(ILogger logger, string problem, string subject, DateTimeOffset notAfter);

    [LoggerMessage(LogLevel.Warning, "The TLS certificate {Subject}, in {File} or above it in the chain, expires at "
        + "{NotAfter:u}; after that no new connection can be made. Replace it: no restart is needed.")]
    private static partial void ExpiresSoon(ILogger logger, string file, string subject, DateTimeOffset notAfter);

    [LoggerMessage(LogLevel.Error, "The TLS files could not be checked.")]
    private static partial void LookFailed(ILogger logger, Exception exception);
}
