using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.History;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Reads every row of the key and opens the material of every version that is not destroyed, without using it.</summary>
internal static class RowChecks
{
    public static Task<KeyRowCheck[]> Run(KeyActivation key, KeyCommand request) => key.Gate.RunInTurn(
        KeyGate.Enter(KmsOperation.CheckRows, request.Caller),
        async () =>
        {
            key.Slot.Invalidate();
            var row = await key.Current();
            var checks = new List<KeyRowCheck>
            {
                new(RowNames.Key, null),
                await Check(RowNames.KeyUsage, () => key.Usage.Load(row.Incarnation)),
            };
            if (row.Origin == KeyOrigin.External)
            {
                checks.Add(await Check(RowNames.KeyImports, () => ImportOffers.EraseExpired(key, row)));
            }

            foreach (var version in row.Versions.Where(v => v is { State: not KeyVersionState.Destroyed, IsPublicOnly: false }))
            {
                checks.Add(await Check(RowNames.KeyVersion(version.Version), () => OpenAndClose(key, row, version.Version)));
            }

            checks.AddRange(await CheckHistory(key, row));
            return checks.ToArray();
        },
        isRepeatable: true);

    /// <summary>
    /// Checks every row of the history, including an abandoned chain's. A row in which the chain breaks counts as one that does not open.
    /// </summary>
    private static async Task<List<KeyRowCheck>> CheckHistory(KeyActivation key, KeyRow row)
    {
        var walk = new HistoryWalk(key.Blocks, key.Id, row);
        for (string? after = null, next = ""; next is not null; after = next)
        {
            next = (await walk.Read(after is null ? null : HistoryPlace.TryParse(after), KmsLimits.PageItems)).Next;
        }

        // The newest events are in the key's own row.
        var checks = new List<KeyRowCheck>();
        if (walk.BrokenIn > walk.Top)
        {
            checks.Add(new(RowNames.Key, KmsError.KeyCorrupted.Code));
        }

        for (var block = 1; block <= walk.Top; block++)
        {
            var isWhole = block != walk.BrokenIn && await key.Blocks.Read(block, row.Incarnation) is not null;
            checks.Add(new(RowNames.KeyHistory(block), isWhole ? null : KmsError.KeyCorrupted.Code));
        }

        return checks;
    }

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

    private static async Task OpenAndClose(KeyActivation key, KeyRow row, int version)
    {
        if (key.Versions.Find(version) is null)
        {
            await key.Versions.Open(row, version);
            key.Versions.Close(version);
        }
    }
}
