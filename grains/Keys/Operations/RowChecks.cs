using OrleansKms.Grains.Keys.Activation;
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
            foreach (var version in row.Versions.Where(v => v.State != KeyVersionState.Destroyed))
            {
                checks.Add(await Check(RowNames.KeyVersion(version.Version), () => OpenAndClose(key, row, version.Version)));
            }

            return checks.ToArray();
        },
        isRepeatable: true);

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
