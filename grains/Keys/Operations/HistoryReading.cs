using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.History;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// Reads a page of the key's stored history, independently of this activation's copy. It takes no turn and blocks nobody: committed events
/// do not change.
/// </summary>
internal static class HistoryReading
{
    public static Task<KeyHistoryPage> Run(KeyActivation key, ReadKeyHistory request) => key.Gate.Run(
        KeyGate.Enter(KmsOperation.ReadHistory, request.Caller), () => Read(key, request), isRepeatable: true);

    private static async Task<KeyHistoryPage> Read(KeyActivation key, ReadKeyHistory request)
    {
        if (request.Limit is < 1 or > KmsLimits.PageItems)
        {
            throw KmsError.InvalidParameter.Exception($"A page must have 1 to {KmsLimits.PageItems} events.");
        }

        HistoryPlace? from = request.After is not { } after ? null
            : HistoryPlace.TryParse(after) ?? throw KmsError.InvalidParameter.Exception("The page does not follow any earlier page.");
        await key.Load();
        var row = await Stored(key);
        while (true)
        {
            var page = await new HistoryWalk(key.Blocks, key.Id, row).Read(from, request.Limit);
            var now = await Stored(key);
            if (now.History?.Block == row.History?.Block)
            {
                return page;
            }

            // A change has meanwhile moved events to a block.
            row = now;
        }
    }

    private static async Task<KeyRow> Stored(KeyActivation key)
    {
        // A change may interleave, and then the row read here is older than the one known afterwards.
        var known = key.Slot.Row?.Revision ?? 0;
        var stored = await key.Blocks.ReadKey() ?? throw KmsError.KeyNotFound.Exception();
        return stored.Revision >= known ? stored : throw KmsError.KeyCorrupted.Exception();
    }
}
