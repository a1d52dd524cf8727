using System.Globalization;
using Orleans.Storage;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Unit.History;

/// <summary>A table in memory, with ETags as the database has them.</summary>
internal sealed class StoredRows : IGrainStorage
{
    private readonly Dictionary<string, (object State, int Version)> _rows = [];

    /// <summary>Rows that do not open.</summary>
    public HashSet<string> Damaged { get; } = [];

    /// <summary>How often a row was written.</summary>
    public int Writes { get; private set; }

    public IEnumerable<string> Names => _rows.Keys;

    public KeyHistoryRow Block(int number) => (KeyHistoryRow)_rows[RowNames.KeyHistory(number)].State;

    public void Put(int number, KeyHistoryRow? block)
    {
        if (block is null) _rows.Remove(RowNames.KeyHistory(number));
        else _rows[RowNames.KeyHistory(number)] = (block, 1);
    }

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        if (Damaged.Contains(stateName)) throw KmsError.KeyCorrupted.Exception();
        var exists = _rows.TryGetValue(stateName, out var row);
        grainState.RecordExists = exists;
        grainState.ETag = exists ? row.Version.ToString(CultureInfo.InvariantCulture) : null;
        grainState.State = exists ? (T)row.State : default!;
        return Task.CompletedTask;
    }

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var version = _rows.TryGetValue(stateName, out var row) ? row.Version : 0;
        if ((grainState.ETag ?? "0") != version.ToString(CultureInfo.InvariantCulture)) throw new InconsistentStateException("another wrote");
        Writes++;
        _rows[stateName] = (grainState.State!, version + 1);
        grainState.ETag = (version + 1).ToString(CultureInfo.InvariantCulture);
        return Task.CompletedTask;
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => throw new NotSupportedException();
}
