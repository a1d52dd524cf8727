using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Storage;
using OrleansKms.Grains.Storage;
using OrleansKms.Grains.Telemetry;

namespace OrleansKms.Grains.Sealing;

/// <summary>
/// The grain storage that seals: only sealed rows reach the database, and a row that was changed or moved does not open. A
/// decorator of the storage and not a serializer, because a serializer never sees the grain's id, to which the row is bound.
/// </summary>
/// <remarks>
/// Rows of keys, of which there are many, are read by <see cref="RowReads"/> and written by <see cref="RowBatches"/>; the Orleans provider
/// clears them, and does everything for the rest.
/// </remarks>
internal sealed partial class SealedGrainStorage : IGrainStorage, IPairedRows
{
    private const string FirstETag = "1";

    private readonly IGrainStorage _rows;
    private readonly Database _database;
    private readonly RowBatches _batches;
    private readonly RowReads _reads;
    private readonly RowSealer _sealer;
    private readonly IKekRing _ring;
    private readonly RowTypes _types;
    private readonly IClusterContact _contact;
    private readonly ILogger<SealedGrainStorage> _logger;
    private readonly Counter<long> _corrupted;

    /// <summary>Decorates the raw storage.</summary>
    public SealedGrainStorage(
        [FromKeyedServices(StorageNames.Raw)] IGrainStorage rows, Database database, RowSealer sealer,
        IKekRing ring, RowTypes types, IClusterContact contact, IOptions<ClusterOptions> cluster, TimeProvider time,
        IMeterFactory meters, ILogger<SealedGrainStorage> logger)
    {
        _rows = rows;
        _database = database;
        _batches = new(database, cluster.Value.ServiceId, () => contact.IsFresh, time);
        _reads = new(database, cluster.Value.ServiceId, time);
        _sealer = sealer;
        _ring = ring;
        _types = types;
        _contact = contact;
        _logger = logger;
        _corrupted = meters.Create(KmsMeter.Name).CreateCounter<long>(
            "rows_corrupted", "{row}", "Rows that were read and did not open.");
    }

    /// <inheritdoc/>
    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ReadStateAsync(stateName, grainId, grainState, CancellationToken.None);

    /// <inheritdoc/>
    public async Task ReadStateAsync<T>(
        string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        var raw = (await Read(grainId, stateName, null, cancellationToken))[0];
        if (TryFill(stateName, grainId, grainState, raw)) return;
        _corrupted.Add(1, new KeyValuePair<string, object?>("row", stateName));
        RowDoesNotOpen(stateName, grainId);
        throw KmsError.KeyCorrupted.Exception();
    }

    /// <inheritdoc/>
    public async Task<bool> ReadBoth<TFirst, TSecond>(
        GrainId grainId, string firstName, IGrainState<TFirst> first, string secondName, IGrainState<TSecond> second)
    {
        var raw = await Read(grainId, firstName, secondName, CancellationToken.None);
        if (TryFill(firstName, grainId, first, raw[0])) return TryFill(secondName, grainId, second, raw[1]);
        _corrupted.Add(1, new KeyValuePair<string, object?>("row", firstName));
        RowDoesNotOpen(firstName, grainId);
        throw KmsError.KeyCorrupted.Exception();
    }

    /// <inheritdoc/>
    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        WriteStateAsync(stateName, grainId, grainState, CancellationToken.None);

    /// <inheritdoc/>
    public async Task WriteStateAsync<T>(
        string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        if (grainState.State is not Row row)
        {
            throw new InvalidOperationException($"internal error: {typeof(T).Name} is not a {nameof(Row)}.");
        }

        var content = _types.Write(grainState.State);
        GrainState<OpaqueRow> raw;
        try
        {
            raw = await SealAndWrite(stateName, grainId, row, content, grainState, cancellationToken);
        }
        catch (StorageFailedException e) when (_database.IsMissingReference(e.InnerException!))
        {
            // The KEK that was current here has been destroyed. The database refused the row; the next attempt uses another.
            await ReloadRing(default, cancellationToken);
            raw = await SealAndWrite(stateName, grainId, row, content, grainState, cancellationToken);
        }

        grainState.ETag = raw.ETag;
        grainState.RecordExists = true;
    }

    /// <inheritdoc/>
    public async Task InsertBoth<TFirst, TSecond>(
        GrainId grainId, string firstName, IGrainState<TFirst> first, string secondName, IGrainState<TSecond> second)
    {
        if (first.State is not Row firstRow || second.State is not Row secondRow)
        {
            throw new InvalidOperationException($"internal error: {typeof(TFirst).Name} or {typeof(TSecond).Name} is not a {nameof(Row)}.");
        }

        var (firstContent, secondContent) = (_types.Write(first.State), _types.Write(second.State));
        try
        {
            await Insert();
        }
        catch (StorageFailedException e) when (_database.IsMissingReference(e.InnerException!))
        {
            await ReloadRing(default, CancellationToken.None);
            await Insert();
        }

        // Neither was there before, so each has its first version.
        (first.ETag, first.RecordExists) = (FirstETag, true);
        (second.ETag, second.RecordExists) = (FirstETag, true);

        Task Insert() => Run(call => call(), "write", firstName, isWrite: true, () => _batches.Write(new RowWrite(
            firstName, StoredKey(grainId), _sealer.Seal(grainId, firstName, firstRow, firstContent), null,
            (secondName, _sealer.Seal(grainId, secondName, secondRow, secondContent)))));
    }

    /// <inheritdoc/>
    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ClearStateAsync(stateName, grainId, grainState, CancellationToken.None);

    /// <summary>
    /// Deletes the row without opening it, corrupted or not. Without an ETag it deletes whatever is there, if anything.
    /// </summary>
    public async Task ClearStateAsync<T>(
        string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        var raw = new GrainState<OpaqueRow>(new OpaqueRow(), grainState.ETag) { RecordExists = grainState.RecordExists };
        await Run(_database.WriteRow, "clear", stateName, isWrite: true, async () =>
        {
            await _rows.ClearStateAsync(stateName, StoredId(grainId), raw, cancellationToken).ConfigureAwait(false);
            return true;
        });
        grainState.State = default!;
        grainState.ETag = null;
        grainState.RecordExists = false;
    }

    /// <summary>Reads one row or two, with the KEKs that seal them.</summary>
    private async Task<RawRow[]> Read(GrainId grainId, string name, string? second, CancellationToken cancellationToken)
    {
        var raw = await ReadRaw(grainId, name, second, cancellationToken);
        foreach (var row in raw)
        {
            if (row.Sealed is { } known && !await IsKekKnown(known.Header.KekId, cancellationToken))
            {
                // Since it was read, the row may have been resealed and its old KEK destroyed. Then it reads well now.
                return await ReadRaw(grainId, name, second, cancellationToken);
            }
        }

        return raw;
    }

    private async Task<RawRow[]> ReadRaw(GrainId grainId, string name, string? second, CancellationToken cancellationToken)
    {
        if (IsOfKey(name))
        {
            var read = await Run(
                call => call(), "read", name, isWrite: false, () => _reads.Read(new(StoredKey(grainId), name, second), cancellationToken));
            return Array.ConvertAll(read.Found, found => found is null ? default : new RawRow(
                RowLayout.TryRead(found.Payload), found.Version.ToString(CultureInfo.InvariantCulture)));
        }

        var raw = new GrainState<OpaqueRow>();
        await Run(_database.Read, "read", name, isWrite: false, async () =>
        {
            await _rows.ReadStateAsync(name, StoredId(grainId), raw, cancellationToken).ConfigureAwait(false);
            return true;
        });
        return [raw.RecordExists ? new(RowLayout.TryRead(raw.State!.Payload), raw.ETag) : default];
    }

    /// <summary>Opens a row into a grain's state.</summary>
    /// <returns>False if it does not open; then the state has its ETag.</returns>
    private bool TryFill<T>(string stateName, GrainId grainId, IGrainState<T> state, RawRow raw)
    {
        var row = raw.Sealed is { } sealedRow ? Open<T>(stateName, grainId, sealedRow) : default;

        // Whoever replaces a row that does not open replaces this one, and none that is written meanwhile.
        state.ETag = raw.ETag;
        if (row is null && raw.ETag is not null) return false;
        state.State = row!;
        state.RecordExists = raw.ETag is not null;
        return true;
    }

    private async Task<GrainState<OpaqueRow>> SealAndWrite<T>(
        string stateName, GrainId grainId, Row row, byte[] content, IGrainState<T> state, CancellationToken cancellationToken)
    {
        var payload = _sealer.Seal(grainId, stateName, row, content);
        if (IsOfKey(stateName))
        {
            var version = state.ETag is { } etag ? int.Parse(etag, CultureInfo.InvariantCulture) : (int?)null;
            var newVersion = await Run(call => call(), "write", stateName, isWrite: true, () =>
                _batches.Write(new RowWrite(stateName, StoredKey(grainId), payload, version)));
            return new(new OpaqueRow { Payload = payload }, newVersion.ToString(CultureInfo.InvariantCulture)) { RecordExists = true };
        }

        var raw = new GrainState<OpaqueRow>(new OpaqueRow { Payload = payload }, state.ETag) { RecordExists = state.RecordExists };
        await Run(_database.WriteRow, "write", stateName, isWrite: true, async () =>
        {
            await _rows.WriteStateAsync(stateName, StoredId(grainId), raw, cancellationToken).ConfigureAwait(false);
            return true;
        });
        return raw;
    }

    private async Task<bool> IsKekKnown(KekId id, CancellationToken cancellationToken) =>
        (_ring.Find(id) ?? await ReloadRing(id, cancellationToken)) is not null;

    // The provider parses keys that look like numbers or GUIDs, and would store 42, 042 and 0042 as one row. No key here begins
    // like that.
    private static GrainId StoredId(GrainId grainId) => GrainId.Create(grainId.Type, IdSpan.Create(StoredKey(grainId)));

    private static string StoredKey(GrainId grainId) => RowDirectory.KeyMark + grainId.Key.ToString();

    private static bool IsOfKey(string stateName) => RowNames.GrainType(stateName) == RowNames.Key;

    private T? Open<T>(string stateName, GrainId grainId, SealedRow row)
    {
        var content = _ring.Find(row.Header.KekId) is { } kek ? _sealer.TryOpenContent(kek, grainId, stateName, row) : null;
        if (content is null)
        {
            return default;
        }

        try
        {
            return _types.Read<T>(content) is Row opened
                ? (T)(object)(opened with { Incarnation = row.Header.Incarnation, Material = row.Material })
                : default;
        }
        catch (JsonException)
        {
            return default;
        }
    }

    private Task<Kek?> ReloadRing(KekId id, CancellationToken cancellationToken) =>
        Run(call => call(), "read", "kek", isWrite: false, () => _ring.Reload(id, cancellationToken));

    private async Task<TResult> Run<TResult>(
        Func<Func<Task<TResult>>, Task<TResult>> database, string operation, string row, bool isWrite, Func<Task<TResult>> call)
    {
        if (!_contact.IsFresh)
        {
            // The others may have made decisions that this silo could not read, counting on it being gone.
            throw new StorageFailedException(
                $"A {operation} of a row was not attempted.", outcomeUnknown: false,
                new InvalidOperationException("This silo has written no heartbeat for too long."));
        }

        using var span = KmsTraces.OfStorage(operation, row);
        try
        {
            return await database(call);
        }
        catch (InconsistentStateException)
        {
            span.Failed(KmsError.Conflict.Code);
            throw;
        }
        catch (Exception e) when (isWrite || e is not OperationCanceledException)
        {
            span.Failed(KmsError.StorageUnavailable.Code);
            throw new StorageFailedException(
                $"A {operation} of a row failed.", isWrite && _database.IsOutcomeUnknown(e), e);
        }
    }

    /// <summary>A row as it is stored; by default none.</summary>
    /// <param name="Sealed">Its parts; null if its layout is not a row's.</param>
    /// <param name="ETag">Its version; null where there is no row.</param>
    private readonly record struct RawRow(SealedRow? Sealed, string? ETag);

    [LoggerMessage(Level = LogLevel.Error, Message = "The row {RowName} of {GrainId} does not open: it was changed, moved or damaged")]
    private partial void RowDoesNotOpen(string rowName, GrainId grainId);
}
