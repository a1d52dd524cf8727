using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys;

// What operators ask of the rows themselves; since feature level 2.
public sealed partial class KeyGrain : IKeyRowsGrain
{
    /// <inheritdoc/>
    public Task<KeyRowCheck[]> Check(KeyCommand request) => InTurn(async () =>
    {
        _slot.Invalidate();
        var row = await Current();
        var checks = new List<KeyRowCheck>
        {
            new(RowNames.Key, null),
            await Check(RowNames.KeyUsage, () => _usage.Load(row.Incarnation)),
        };
        foreach (var version in row.Versions.Where(v => v.State != KeyVersionState.Destroyed))
        {
            checks.Add(await Check(RowNames.KeyVersion(version.Version), () => OpenAndClose(row, version.Version)));
        }

        return checks.ToArray();
    }, isRepeatable: true);

    private static async Task<KeyRowCheck> Check(string row, Func<Task> open)
    {
        try
        {
            await open();
            return new(row, null);
        }
        catch (KmsException e) when (e.Error == KmsError.KeyCorrupted)
        {
            return new(row, e.Code);
        }
    }

    private async Task OpenAndClose(KeyRow row, int version)
    {
        if (_ciphers.Find(version) is null)
        {
            await _ciphers.Open(row, version);
            _ciphers.Close(version);
        }
    }
}
