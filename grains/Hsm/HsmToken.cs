using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Telemetry;

namespace OrleansKms.Grains.Hsm;

/// <summary>
/// The HSM as the rest of the program sees it: asynchronous calls, each with a time-out, refused at once while the token is known
/// to be away. Only the background probe checks whether it is back, so no request pays for that.
/// </summary>
internal sealed class HsmToken : IHsmHealth, IDisposable
{
    // Signing in, making a key and listing all objects may take a network HSM longer than an everyday call.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    // A token that makes RSA keys in software of its own takes a minute for a long one.
    private static readonly TimeSpan _patienceOfMaking = TimeSpan.FromMinutes(2);

    // Within the time that a stop may take.
    private static readonly TimeSpan _patienceAtTheEnd = TimeSpan.FromSeconds(5);

    private static readonly Counter<long> _counter = new Meter(KmsMeter.Name).CreateCounter<long>(
        "hsm_calls", description: "HSM calls by outcome, except those of the start and of the probe.");

    private static readonly KeyValuePair<string, object?> _answered = new("status", "success");
    private static readonly KeyValuePair<string, object?> _failed = new("status", "failed");
    private static readonly KeyValuePair<string, object?> _refused = new("status", "not_tried");

    private readonly HsmOptions _options;
    private readonly HsmConnection _connection;
    private readonly HsmCalls _calls;
    private readonly HsmCalls _probes;

    // Apart, so that no number of pairs that take seconds keeps the threads of everyday calls.
    private readonly HsmCalls _making;
    private readonly HsmHealth _health;
    private volatile HsmKnownAnswer? _knownAnswer;
    private volatile bool _isServing;
    private long _made;

    /// <summary>Sets up the HSM without connecting.</summary>
    public HsmToken(HsmOptions options, TimeProvider time, ILogger<HsmToken> logger, ILogger<HsmConnection> connectionLogger)
    {
        (_options, _health) = (options, new(time, logger));
        _connection = new HsmConnection(options, connectionLogger);
        _calls = new HsmCalls("okms-hsm", options.Sessions, _connection, IsTokenWell, time);
        _probes = new HsmCalls("okms-hsm-probe", 1, _connection, IsTokenWell, time);
        _making = new HsmCalls("okms-hsm-making", 1, _connection, IsTokenWell, time);
    }

    /// <inheritdoc/>
    public bool IsHealthy => _health.IsHealthy;

    /// <inheritdoc/>
    public string? WhyUnhealthy => _health.WhyUnhealthy;

    /// <summary>Whether the token is there. It may still refuse some calls.</summary>
    public bool IsUp => _health.IsUp;

    /// <summary>Destroys keys, and tracks failed destructions.</summary>
    public HsmDestructions Destructions => _connection.Module.Destructions;

    /// <summary>How many calls were made, except those of the start and of the probe.</summary>
    public long Calls => Interlocked.Read(ref _made);

    /// <summary>Loads the module and signs in.</summary>
    /// <exception cref="StartRefusedException">Names what is missing or refused.</exception>
    public async Task Connect(CancellationToken cancellationToken)
    {
        try
        {
            await _probes.RunWithoutSession(_connection.Connect, _patience, cancellationToken);
            await _probes.Run(_ => true, _patience, cancellationToken);
            _health.Begin();
        }
        catch (Exception e) when (e is HsmException or TimeoutException)
        {
            throw Refused(e);
        }
    }

    /// <summary>Runs work that the start depends on.</summary>
    /// <exception cref="StartRefusedException">The HSM failed to do it.</exception>
    public async Task<T> RunAtStart<T>(Func<HsmSession, T> work, CancellationToken cancellationToken)
    {
        try
        {
            return await _probes.Run(work, _patience, cancellationToken);
        }
        catch (Exception e) when (e is HsmException or TimeoutException)
        {
            throw Refused(e);
        }
    }

    /// <summary>How the token does AES-GCM; null when it does not, or is not known yet.</summary>
    public TokenGcm? Gcm { get; private set; }

    /// <summary>Sets what tells, from now on, whether the token works.</summary>
    /// <param name="knownAnswer">What it must answer.</param>
    /// <param name="gcm">How it does AES-GCM; null when it does not.</param>
    public void Trust(HsmKnownAnswer knownAnswer, TokenGcm? gcm) => (_knownAnswer, Gcm) = (knownAnswer, gcm);

    /// <summary>Whether the token still gives its known answer. Inside a module call.</summary>
    public bool IsTokenWell(HsmSession session) => _knownAnswer?.Passes(session) ?? true;

    /// <summary>Requires the known answer, after something else was not found on the token.</summary>
    /// <exception cref="HsmLostException">The token does not give it.</exception>
    public void RequireToken(HsmSession session) => _knownAnswer?.Require(session);

    /// <summary>
    /// From now on callers wait. Before, while a silo starts and in a command, calls may take as long as the start.
    /// </summary>
    public void Serve() => _isServing = true;

    /// <summary>Runs work. It runs twice when its session turns out to be lost before it did anything.</summary>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    public Task<T> Run<T>(Func<HsmSession, T> work, CancellationToken cancellationToken) =>
        Run(_calls, work, _isServing ? _options.Timeout : _patience, isSlowDown: true, cancellationToken);

    /// <summary>Runs work that no caller waits for. Its time-out says nothing about the token.</summary>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    public Task<T> RunInBackground<T>(Func<HsmSession, T> work, CancellationToken cancellationToken) =>
        Run(_calls, work, _patience, isSlowDown: false, cancellationToken);

    /// <summary>
    /// Makes a key that takes long, one at a time and beside everyday calls. It runs twice when its session turns out to be lost before
    /// it did anything. Its time-out says nothing about the token.
    /// </summary>
    /// <typeparam name="T">What is made; disposed if nobody waits for it any more.</typeparam>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public Task<T> RunSlowChange<T>(Func<HsmSession, T> work, CancellationToken cancellationToken) =>
        Change(() => Run(_making, work, _patienceOfMaking, isSlowDown: false, cancellationToken));

    /// <summary>Tries out what the token can do. It does not count as a call, and its failure says nothing of the token.</summary>
    /// <exception cref="HsmException">It failed.</exception>
    /// <exception cref="TimeoutException">It takes too long.</exception>
    public Task<T> RunProof<T>(Func<HsmSession, T> proof, CancellationToken cancellationToken) =>
        _making.Run(proof, _patienceOfMaking, cancellationToken);

    private async Task<T> Run<T>(
        HsmCalls calls, Func<HsmSession, T> work, TimeSpan timeout, bool isSlowDown, CancellationToken cancellationToken)
    {
        if (!IsUp)
        {
            _counter.Add(1, _refused);
            throw KmsError.HsmUnavailable.Exception();
        }

        Interlocked.Increment(ref _made);
        using var span = KmsTraces.OfHsm();
        try
        {
            var answer = await calls.Run(work, timeout, cancellationToken);
            _counter.Add(1, _answered);
            return answer;
        }
        catch (TimeoutException e)
        {
            _counter.Add(1, _failed);
            span.Failed(KmsError.HsmUnavailable.Code);
            if (isSlowDown)
            {
                _health.Down(e);
            }

            throw new KmsException(KmsError.HsmUnavailable.Code, HsmHealth.TooSlow, e);
        }
        catch (HsmException e)
        {
            _counter.Add(1, _failed);
            span.Failed(KmsError.HsmUnavailable.Code);
            _health.Failed(e);
            throw new KmsException(KmsError.HsmUnavailable.Code, e.ForCallers, e);
        }
    }

    /// <summary>
    /// Runs idempotent work; retries once when the token is healthy and yet failed with an unspecific error, as modules do that
    /// share a token with another process.
    /// </summary>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    public async Task<T> RunRepeatable<T>(Func<HsmSession, T> work, CancellationToken cancellationToken)
    {
        try
        {
            return await Run(work, cancellationToken);
        }
        catch (KmsException e) when (IsUp && e.InnerException is Pkcs11Exception { IsAmbiguous: true })
        {
            return await Run(work, cancellationToken);
        }
    }

    /// <summary>
    /// Makes or destroys a key, as <see cref="RunRepeatable"/> does. A refusal by a token that is there also shows in its health.
    /// </summary>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    public Task<T> RunChange<T>(Func<HsmSession, T> work, CancellationToken cancellationToken) =>
        Change(() => RunRepeatable(work, cancellationToken));

    private async Task<T> Change<T>(Func<Task<T>> run)
    {
        try
        {
            var answer = await run();
            _health.ChangesAgain();
            return answer;
        }
        catch (KmsException e) when (e.InnerException is HsmException { IsTokenLost: false } and not HsmBusyException)
        {
            _health.RefusesChange(e.Message);
            throw;
        }
    }

    /// <summary>Looks up the handle of a key again, since it may be another key's by now.</summary>
    /// <param name="id">Its CKA_ID.</param>
    public void Forget(ReadOnlySpan<byte> id) => _connection.Handles.Forget(id);

    /// <summary>
    /// Makes the module list the token's objects afresh. That ends all sessions of this process, which are opened again.
    /// </summary>
    /// <exception cref="KmsException">hsm_unavailable: it cannot be initialised, or the token is missing afterwards.</exception>
    public async Task ListAnew(CancellationToken cancellationToken)
    {
        if (IsUp && !HasStuck && await TryReconnect(isAnew: true, cancellationToken) is { } failure)
        {
            _health.Down(failure);
            throw new KmsException(KmsError.HsmUnavailable.Code, KmsError.HsmUnavailable.Title, failure);
        }
    }

    /// <summary>Checks whether the token works, and if not, looks for it again.</summary>
    public async Task Probe(CancellationToken cancellationToken)
    {
        try
        {
            await Ask(cancellationToken);
            if (_calls.IsExhausted)
            {
                throw new HsmException("The maximum number of calls hang in the PKCS#11 module. If they do not return, restart.");
            }

            _health.Up();
        }
        catch (Exception e) when (e is HsmException or TimeoutException)
        {
            _health.Down(e);
            await Recover(e, cancellationToken);
        }
    }

    /// <summary>Ends the threads and stops using the module.</summary>
    public void Dispose()
    {
        _health.End();
        _calls.Dispose();
        _probes.Dispose();
        _making.Dispose();

        // Modules keep state for each thread that used them, and may crash when one ends after they were finalised.
        var until = Environment.TickCount64 + (long)_patienceAtTheEnd.TotalMilliseconds;
        var haveEnded = Array.TrueForAll(
            [_calls, _probes, _making], calls => calls.Join(TimeSpan.FromMilliseconds(Math.Max(0, until - Environment.TickCount64))));
        _connection.End(mayFinalise: haveEnded);
    }

    // Calls that nobody waits for any more, and that are in the module still.
    private bool HasStuck => _calls.Stuck + _probes.Stuck + _making.Stuck > 0;

    private async Task Recover(Exception first, CancellationToken cancellationToken)
    {
        // A module that hangs is left alone: finalising it would pull the ground from under the call inside.
        if (first is not HsmException { IsTokenLost: true } || HasStuck)
        {
            return;
        }

        var failure = await TryReconnect(isAnew: false, cancellationToken);
        if (failure is HsmException { MayNeedInitialisation: true })
        {
            failure = await TryReconnect(isAnew: true, cancellationToken);
        }

        if (failure is null)
        {
            _health.Up();
        }
        else
        {
            _health.StillDown(failure);
        }
    }

    private async Task<Exception?> TryReconnect(bool isAnew, CancellationToken cancellationToken)
    {
        try
        {
            if (isAnew)
            {
                var seen = _connection.Module.Finalisations;
                await _probes.RunWithoutSession(
                    () => _ = _connection.Module.TryInitialiseAnew(seen), _options.Timeout, cancellationToken);
            }

            await _probes.RunWithoutSession(_connection.Connect, _options.Timeout, cancellationToken);
            await Ask(cancellationToken);
            return null;
        }
        catch (Exception e) when (e is HsmException or TimeoutException)
        {
            return e;
        }
    }

    private Task<bool> Ask(CancellationToken cancellationToken) => _probes.Run(
        session =>
        {
            _knownAnswer?.Require(session);
            return true;
        },
        _options.Timeout, cancellationToken);

    private StartRefusedException Refused(Exception cause) => new(
        cause is TimeoutException
            ? $"{_options.Setting}: the HSM with the token {_options.Address} does not answer."
            : $"{_options.Setting}: {cause.Message}", cause)
    {
        // Each start would spend another PIN try.
        IsForGood = cause is HsmPinException,
    };
}
