using System.Collections.Concurrent;
using System.Globalization;

namespace OrleansKms.Grains.Hsm;

/// <summary>
/// The pool: threads, each with a session, that make one call after the other. Modules block and may hang, so none of this runs
/// on threads that grains use. An abandoned call keeps its thread and session until the module returns; another thread takes its
/// place, but at most as many again, so that a module that hangs does not eat the process.
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

    /// <summary>Makes a pool; its threads start with the first call.</summary>
    /// <param name="name">Names the threads.</param>
    /// <param name="size">How many threads and sessions.</param>
    /// <param name="connection">Opens the sessions.</param>
    /// <param name="isTokenWell">Tells a broken token from a failed call, after an error that leaves it open.</param>
    /// <param name="time">The clock for time-outs.</param>
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

    /// <summary>Whether so many calls hang that no other can be made.</summary>
    public bool IsExhausted => Stuck >= 2 * _size;

    /// <summary>Runs work that needs a session.</summary>
    /// <exception cref="HsmException">The HSM refused, or was too busy to get to it in time.</exception>
    /// <exception cref="TimeoutException">It takes too long, and may still be carried out.</exception>
    public Task<T> Run<T>(Func<HsmSession, T> work, TimeSpan timeout, CancellationToken cancellationToken) =>
        Run(new HsmCall<T>(session => work(session!)) { NeedsSession = true }, timeout, cancellationToken);

    /// <summary>Runs work that needs no session.</summary>
    /// <exception cref="HsmException">The HSM refused.</exception>
    /// <exception cref="TimeoutException">It takes too long.</exception>
    public Task RunWithoutSession(Action work, TimeSpan timeout, CancellationToken cancellationToken) =>
        Run(new HsmCall<bool>(_ => Do(work)) { NeedsSession = false }, timeout, cancellationToken);

    /// <summary>Ends the threads once the queue is empty.</summary>
    public void Dispose() => _waiting.CompleteAdding();

    /// <summary>
    /// After <see cref="Dispose"/>, waits until the threads have ended; closing their sessions is the last thing they do.
    /// </summary>
    /// <param name="patience">How long to wait for all of them together.</param>
    /// <returns>False when some are still running.</returns>
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
                // The result may be a secret, which the caller erases.
                return await call.Answer.ConfigureAwait(false);
            }

            if (wasRunning)
            {
                ReplaceStuck();
            }

            // Most of the time others were ahead of it, so this says nothing about the module.
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

    /// <summary>Delivers the outcome of a call.</summary>
    /// <returns>False when this thread has been replaced in the meantime and is one too many.</returns>
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

    // A session that turns out to be lost is replaced, and the call retried once.
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

                // Either this call was impossible, or the token is broken: a known answer tells.
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
