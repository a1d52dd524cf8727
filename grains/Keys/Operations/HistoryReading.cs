using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.History;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Reads a page of the key's history. It takes no turn: what is committed does not change under it.</summary>
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
        while (true)
        {
            var row = await key.Load();
            var page = await new HistoryWalk(key.Blocks, key.Id, row).Read(from, request.Limit);
            if (ReferenceEquals(row, key.Slot.Row))
            {
                return page;
            }

            // A change that interleaved has moved events.
        }
    }
}
