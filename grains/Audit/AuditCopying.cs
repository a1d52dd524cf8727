using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using System.Text;
using OrleansKms.Grains.Audit.Trail;
using OrleansKms.Grains.Audit.Transparency;
using OrleansKms.Grains.Telemetry;

namespace OrleansKms.Grains.Audit;

/// <summary>
/// Copies the records of a directory's logs to the table that searches use. It copies only signed records, in batches, at a limited rate
/// that is spread evenly, and resumes after a crash. Not thread-safe.
/// </summary>
internal sealed class AuditCopying(AuditOptions options, AuditIndex index, TimeProvider time)
{
    // Small, since keys' rows wait for the transaction of a batch where the database has one writer.
    private const int MaxBatch = 64;
    private const int MaxForgotten = 5000;
    private static readonly TimeSpan _forgetEvery = TimeSpan.FromMinutes(1);

    private static long _lag;

    [SuppressMessage("Style", "IDE0052", Justification = "It is read through its meter.")]
    private static readonly ObservableGauge<long> _lagging = new Meter(KmsMeter.Name).CreateObservableGauge(
        "audit_copy_lag", () => Volatile.Read(ref _lag), "{record}", "Signed records of this silo's own log that searches do not find yet.");

    private readonly Dictionary<string, Place> _places = new(StringComparer.Ordinal);
    private readonly HashSet<string> _finished = new(StringComparer.Ordinal);
    private long? _forgotAt;

    /// <summary>Where the next record to copy is.</summary>
    private sealed record Place(long Record, RecordFile File, long Offset);

    /// <summary>
    /// Copies up to one second's worth of records, from the silo's own log first and then from earlier ones; takes a second for as many.
    /// </summary>
    /// <param name="own">The log this silo writes.</param>
    /// <param name="cancellationToken">Cancels the copy.</param>
    public async Task Run(TrailFolder own, CancellationToken cancellationToken)
    {
        if (options.CopyRate == 0)
        {
            return;
        }

        var (left, _) = await Copy(own, options.CopyRate, cancellationToken);
        Volatile.Write(ref _lag, _places.TryGetValue(own.Id, out var place) ? Math.Max(0, Signed(own) - place.Record) : 0);
        foreach (var older in TrailFolder.In(options.Directory).Where(folder => folder.Id != own.Id && !_finished.Contains(folder.Id)))
        {
            if (left > 0)
            {
                var before = left;
                (left, var hasLostRace) = await Copy(older, left, cancellationToken);
                if (left == before && !hasLostRace)
                {
                    _finished.Add(older.Id);
                }
            }
        }

        await Forget(cancellationToken);
    }

    /// <summary>Copies records of one log.</summary>
    /// <returns>How many more may be copied, and whether another silo copied some of them first, so that more may be left.</returns>
    private async Task<(int Left, bool HasLostRace)> Copy(TrailFolder folder, int left, CancellationToken cancellationToken)
    {
        var hasLostRace = false;
        var signed = Signed(folder);
        while (left > 0 && await PlaceOf(folder, cancellationToken) is { } place && place.Record < signed)
        {
            var (next, records) = Read(folder, place, Math.Min(signed - place.Record, Math.Min(left, MaxBatch)));
            hasLostRace = next.Record > place.Record && !await index.Copy(folder.Id, place.Record, next.Record, records, cancellationToken);
            if (hasLostRace || next.Record == place.Record)
            {
                _places.Remove(folder.Id);
                break;
            }

            var copied = (int)(next.Record - place.Record);
            left -= copied;
            _places[folder.Id] = next;
            await Task.Delay(TimeSpan.FromSeconds((double)copied / options.CopyRate), time, cancellationToken);
        }

        return (left, hasLostRace);
    }

    private static long Signed(TrailFolder folder) => folder.ReadHead() is { } note && Checkpoint.Parse(note.Text) is { } head ? head.Size : 0;

    private async Task<Place?> PlaceOf(TrailFolder folder, CancellationToken cancellationToken)
    {
        if (_places.TryGetValue(folder.Id, out var known))
        {
            return known;
        }

        if (await index.CountCopied(folder.Id, cancellationToken) is not { } copied)
        {
            return null;
        }

        var file = folder.RecordFiles().FindLast(file => file.First <= copied);
        if (file.Path is null)
        {
            return null;
        }

        var (number, offset) = (file.First, 0L);
        if (number < copied)
        {
            RecordReader.ReadLines(file.Path, 0, long.MaxValue, (_, end) =>
            {
                offset = end;
                return ++number < copied;
            });
        }

        return number == copied ? _places[folder.Id] = new(copied, file, offset) : null;
    }

    private static (Place Next, string Records) Read(TrailFolder folder, Place place, long count)
    {
        var records = new StringBuilder("[");
        var (number, offset) = (place.Record, place.Offset);
        RecordReader.ReadLines(place.File.Path, place.Offset, long.MaxValue, (line, end) =>
        {
            records.Append(number == place.Record ? "" : ",").Append(Encoding.UTF8.GetString(line));
            (number, offset) = (number + 1, end);
            return number < place.Record + count;
        });
        return folder.RecordFiles().Find(file => file.First == number) is { Path: not null } next && number > place.File.First
            ? (new(number, next, 0), records.Append(']').ToString())
            : (new(number, place.File, offset), records.Append(']').ToString());
    }

    private async Task Forget(CancellationToken cancellationToken)
    {
        if (_forgotAt is { } last && time.GetElapsedTime(last) < _forgetEvery)
        {
            return;
        }

        _forgotAt = time.GetTimestamp();
        await index.Forget(time.GetUtcNow() - options.CopyRetention, MaxForgotten, cancellationToken);
    }
}
