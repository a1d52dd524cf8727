using System.Collections.Concurrent;
using System.Globalization;

namespace OrleansKms.Grains.Hsm;

/// <summary>
/// The pool: some threads, each with a session, that do one call after the other. Modules block, and may hang; so none of this
/// is on a thread that grains run on. A call that its caller has given up keeps its thread and session until the module
/// returns; another thread takes its place, but only as many again, so that a module that hangs does not eat the process.
/// </summary>
internal sealed class HsmCalls : IDisposable
{
    private const int WaitingPerThread = 256;

    private readonly HsmConnection _connection;
    private readonly Func<HsmSession, bool> _isTokenWell;
    private readonly TimeProvider _time;
    private readonly BlockingCollection<HsmCall> _waiting;
    private readonly string _name;
    private readonly int _size;
    private readonly Lock _lock = new();
    private readonly List<Thread> _started = [];
    private int _threads;
    private int _stuck;

    /// <summary>Makes a pool; its threads begin with the first call.</summary>
    /// <param name="name">Names the threads.</param>
    /// <param name="size">Threads and sessions.</param>
    /// <param name="connection">Where sessions come from.</param>
    /// <param name="isTokenWell">Tells a broken token from a call that failed, after an error that does not.</param>
    /// <param name="time">The clock of time-outs.</param>
    public HsmCalls(string name, int size, HsmConnection connection, Func<HsmSession, bool> isTokenWell, TimeProvider time)
    {
        (_name, _size, _connection, _isTokenWell, _time) = (name, size, connection, isTokenWell, time);
        _waiting = new BlockingCollection<HsmCall>(size * WaitingPerThread);
    }

    /// <summary>How many calls hang in the module.</summary>
    public int Stuck
    {
        get
        {
            lock (_lock)
            {
                return _stuck;
            }
        }
    }

    /// <summary>Whether so many calls hang that none can be done any more.</summary>
    public bool IsExhausted => Stuck >= 2 * _size;

    /// <summary>Does some work with a session.</summary>
    /// <exception cref="HsmException">The HSM does not do it, or has so much to do that it did not come to it in time.</exception>
    /// <exception cref="TimeoutException">It takes too long. It may happen later nevertheless.</exception>
    public Task<T> Run<T>(Func<HsmSession, T> work, TimeSpan timeout, CancellationToken cancellationToken) =>
        Run(new HsmCall<T>(session => work(session!)) { NeedsSession = true }, timeout, cancellationToken);

    /// <summary>Does some work that needs no session.</summary>
    /// <exception cref="HsmException">The HSM does not do it.</exception>
    /// <exception cref="TimeoutException">It takes too long.</exception>
    public Task RunWithoutSession(Action work, TimeSpan timeout, CancellationToken cancellationToken) =>
        Run(new HsmCall<bool>(_ => Do(work)) { NeedsSession = false }, timeout, cancellationToken);

    /// <summary>Ends the threads when they have done what waits.</summary>
    public void Dispose() => _waiting.CompleteAdding();

    /// <summary>Waits, after <see cref="Dispose"/>, until the threads have ended: they close their sessions last.</summary>
    /// <param name="patience">How long to wait for all of them.</param>
    /// <returns>False when some have not.</returns>
    public bool Join(TimeSpan patience)
    {
        Thread[] threads;
        lock (_lock)
        {
            threads = [.. _started];
        }

        var until = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        return threads.All(t => t.Join((int)Math.Max(0, until - Environment.TickCount64)));
    }

    private async Task<T> Run<T>(HsmCall<T> call, TimeSpan timeout, CancellationToken cancellationToken)
    {
        StartThreads();
        if (_waiting.IsAddingCompleted || !_waiting.TryAdd(call))
        {
            throw new HsmBusyException();
        }

        try
        {
            return await call.Answer.WaitAsync(timeout, _time, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            var began = call.BeganAt;
            if (!call.TryAbandon(out var wasRunning))
            {
                // It may be a secret, which whoever waits erases.
                return await call.Answer.ConfigureAwait(false);
            }

            if (wasRunning)
            {
                ReplaceStuck();
            }

            // Most of the time others were in front of it, so it tells nothing of the module.
            if (e is TimeoutException && (began == 0 || _time.GetElapsedTime(began) < timeout / 2))
            {
                throw new HsmBusyException();
            }

            throw;
        }
    }

    private void StartThreads()
    {
        lock (_lock)
        {
            while (_threads < _size)
            {
                StartThread();
            }
        }
    }

    private void ReplaceStuck()
    {
        lock (_lock)
        {
            _stuck++;
            if (_threads < 2 * _size)
            {
                StartThread();
            }
        }
    }

    private void StartThread()
    {
        _threads++;
        var thread = new Thread(Work) { IsBackground = true, Name = string.Create(CultureInfo.InvariantCulture, $"{_name} {_threads}") };
        _started.RemoveAll(t => !t.IsAlive);
        thread.Start();
        _started.Add(thread);
    }

    private void Work()
    {
        HsmSession? session = null;
        foreach (var call in _waiting.GetConsumingEnumerable())
        {
            if (call.TryBegin(_time.GetTimestamp()) && !Finish(call, Do(call, ref session)))
            {
                break;
            }
        }

        session?.Dispose();
    }

    /// <summary>Hands over what a call came to.</summary>
    /// <returns>False when this thread was replaced meanwhile and is one too many.</returns>
    private bool Finish(HsmCall call, Exception? failure)
    {
        if (!call.TryEnd())
        {
            call.Discard();
            lock (_lock)
            {
                _stuck--;
                if (_threads - _stuck > _size)
                {
                    _threads--;
                    return false;
                }
            }
        }
        else if (failure is null)
        {
            call.Complete();
        }
        else
        {
            call.Fail(failure);
        }

        return true;
    }

    private Exception? Do(HsmCall call, ref HsmSession? session)
    {
        try
        {
            if (!call.NeedsSession)
            {
                call.Execute(null);
                return null;
            }

            return DoWithSession(call, ref session);
        }
        catch (Exception e)
        {
            return e;
        }
    }

    // A session that turns out to be lost is replaced, and the call tried again, once.
    private Exception? DoWithSession(HsmCall call, ref HsmSession? session)
    {
        for (var isSecondTry = false; ; isSecondTry = true)
        {
            var (failure, keep) = Try(call, ref session);
            if (failure is null || keep)
            {
                return failure;
            }

            session?.Dispose();
            session = null;
            if (isSecondTry || failure is not Pkcs11Exception { IsSessionLost: true })
            {
                return failure;
            }
        }
    }

    private (Exception? Failure, bool KeepSession) Try(HsmCall call, ref HsmSession? session)
    {
        using (_connection.Module.Enter())
        {
            try
            {
                Renew(ref session);
                call.Execute(session);
                return (null, true);
            }
            catch (HsmException e)
            {
                if (e is not Pkcs11Exception { IsAmbiguous: true })
                {
                    return (e, !e.NeedsNewSession);
                }

                // Either this call was impossible, or the token is broken: it is asked something that it must know.
                return session is not null && _isTokenWell(session) ? (e, !e.NeedsNewSession) : (new HsmLostException(e.Message, e), false);
            }
        }
    }

    private void Renew([System.Diagnostics.CodeAnalysis.NotNull] ref HsmSession? session)
    {
        if (session is { } old && (old.Connection != _connection.Number || !old.IsOfThisInitialisation))
        {
            session = null;
            old.CloseInCall();
        }

        session ??= _connection.OpenSession();
    }

    private static bool Do(Action work)
    {
        work();
        return true;
    }
}
