using System.Globalization;
using Orleans.Storage;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Unit.Keys;

/// <summary>
/// A table of one row that several activations share. Each call waits before it is carried out and before its answer arrives, and a script
/// of choices says which goes on next and whether it fails: so every order of the calls can be tried, one after the other.
/// </summary>
internal sealed class SteppedRows(Choices choices)
{
    private readonly List<Step> _waiting = [];
    private (Row? Row, int Version) _stored;

    /// <summary>The row as it is stored.</summary>
    public Row? Stored => _stored.Row;

    /// <summary>Whether calls wait; otherwise they are carried out at once.</summary>
    public bool IsStepped { get; set; }

    /// <summary>How many more calls may fail.</summary>
    public int Faults { get; set; }

    /// <summary>Whether the outcome of a write was unknown.</summary>
    public bool HasUnknown { get; private set; }

    /// <summary>Whether a call certainly failed.</summary>
    public bool HasRefused { get; private set; }

    /// <summary>The table as one activation sees it.</summary>
    public IGrainStorage Of() => new View(this);

    /// <summary>Lets calls go on until none waits.</summary>
    /// <param name="check">What must hold after each step, since each may be the last before a crash.</param>
    public void Run(Action check)
    {
        check();
        while (_waiting.Count > 0)
        {
            var step = _waiting[choices.Next(_waiting.Count)];
            _waiting.Remove(step);
            step.Go(Faults > 0 ? choices.Next(step.Outcomes) : 0);
            check();
        }
    }

    private void Wait(int outcomes, Action<int> go)
    {
        if (IsStepped)
        {
            _waiting.Add(new(outcomes, go));
        }
        else
        {
            go(0);
        }
    }

    private StorageFailedException Failure(bool outcomeUnknown)
    {
        Faults--;
        HasUnknown |= outcomeUnknown;
        HasRefused |= !outcomeUnknown;
        return new StorageFailedException("broken", outcomeUnknown, new IOException());
    }

    // Continuations of these run at once, on the thread of the script.
    private Task Read<T>(IGrainState<T> state)
    {
        var done = new TaskCompletionSource();
        Wait(2, outcome =>
        {
            if (outcome == 1)
            {
                done.SetException(Failure(outcomeUnknown: false));
                return;
            }

            var (row, version) = _stored;
            Wait(1, _ =>
            {
                (state.RecordExists, state.ETag) = (row is not null, row is null ? null : Text(version));
                state.State = row is null ? default! : (T)(object)row;
                done.SetResult();
            });
        });
        return done.Task;
    }

    private Task Write<T>(IGrainState<T> state)
    {
        var (row, expected, done) = ((Row)(object)state.State!, state.ETag, new TaskCompletionSource());
        Wait(Enum.GetValues<Fate>().Length, outcome =>
        {
            switch ((Fate)outcome)
            {
                case Fate.Refused:
                    done.SetException(Failure(outcomeUnknown: false));
                    break;
                case Fate.NeverArrives:
                    done.SetException(Failure(outcomeUnknown: true));
                    break;
                case Fate.ArrivesLate:
                    _waiting.Add(new(1, _ => Swap(row, expected)));
                    done.SetException(Failure(outcomeUnknown: true));
                    break;
                default:
                    Answer(state, Swap(row, expected), done);
                    break;
            }
        });
        return done.Task;
    }

    private void Answer<T>(IGrainState<T> state, string? etag, TaskCompletionSource done) => Wait(2, outcome =>
    {
        if (outcome == 1)
        {
            done.SetException(Failure(outcomeUnknown: true));
        }
        else if (etag is null)
        {
            done.SetException(new InconsistentStateException("lost"));
        }
        else
        {
            (state.ETag, state.RecordExists) = (etag, true);
            done.SetResult();
        }
    });

    private string? Swap(Row row, string? expected)
    {
        if (expected != (_stored.Row is null ? null : Text(_stored.Version))) return null;
        _stored = (row, _stored.Version + 1);
        return Text(_stored.Version);
    }

    private static string Text(int version) => version.ToString(CultureInfo.InvariantCulture);

    /// <summary>What becomes of a write, before its answer.</summary>
    private enum Fate
    {
        Arrives,
        Refused,
        NeverArrives,
        ArrivesLate,
    }

    private sealed record Step(int Outcomes, Action<int> Go);

    private sealed class View(SteppedRows rows) : IGrainStorage
    {
        public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => rows.Read(grainState);

        public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => rows.Write(grainState);

        public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => throw new NotSupportedException();
    }
}

/// <summary>The choices of one run: those given, and the first option from there on. Or, with a seed, any.</summary>
internal sealed class Choices(IReadOnlyList<int> given, Random? random = null)
{
    private readonly List<(int Taken, int Options)> _made = [];

    /// <summary>Runs something by every sequence of choices.</summary>
    /// <returns>How many there are.</returns>
    public static int All(Action<Choices> run)
    {
        for (var (next, runs) = ((IReadOnlyList<int>?)[], 0); ; runs++)
        {
            if (next is null) return runs;
            var choices = new Choices(next);
            choices.Try(run);
            next = choices.Following();
        }
    }

    /// <summary>Runs something by many sequences of choices.</summary>
    public static void Some(int runs, Action<Choices> run)
    {
        for (var seed = 0; seed < runs; seed++) new Choices([], new(seed)).Try(run);
    }

    /// <summary>Makes a choice.</summary>
    public int Next(int options)
    {
        var taken = options == 1 ? 0 : random?.Next(options) ?? given.ElementAtOrDefault(_made.Count);
        _made.Add((taken, options));
        return taken;
    }

    private void Try(Action<Choices> run)
    {
        try
        {
            run(this);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"by the choices {string.Join(' ', _made.Select(m => m.Taken))}: {e.Message}", e);
        }
    }

    private int[]? Following()
    {
        var last = _made.FindLastIndex(m => m.Taken + 1 < m.Options);
        return last < 0 ? null : [.. _made.Take(last).Select(m => m.Taken), _made[last].Taken + 1];
    }
}
