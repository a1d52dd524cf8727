using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.History;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// Reads a page of the key's history as it is stored, and not as this activation knows it. It takes no turn and disturbs nobody: what is
/// committed does not change.
/// </summary>
internal static class HistoryReading
{
    public static Task<KeyHistoryPage> Run(KeyActivation key, ReadKeyHistory request) => key.Gate.Run(
        KeyGate.Enter(KmsOperation.ReadHistory, request.Caller), () => Read(key, request), isRepeatable: true);

    private static async Task<KeyHistoryPage> Read(KeyActivation key, ReadKeyHistory request)
    {
        if (request.Limit is < 1 or > KmsLimits.PageItems)
        {
            throw KmsError.InvalidParameter.Exception($"A page has 1 to {KmsLimits.PageItems} events.");
        }

        HistoryPlace? from = request.After is not { } after ? null
            : HistoryPlace.TryParse(after) ?? throw KmsError.InvalidParameter.Exception("The page does not go on from any that was given.");
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

            // A change has moved events into a block meanwhile.
            row = now;
        }
    }

    private static async Task<KeyRow> Stored(KeyActivation key)
    {
        // A change may interleave, and then what is read is older than what is known afterwards.
        var known = key.Slot.Row?.Revision ?? 0;
        var stored = await key.Blocks.ReadKey() ?? throw KmsError.KeyNotFound.Exception();
        return stored.Revision >= known ? stored : throw KmsError.KeyCorrupted.Exception();
    }
}
