using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Keys.Usage;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Describes the key, after any rotation that is due.</summary>
internal static class Description
{
    public static Task<KeyDescription> Run(KeyActivation key, KeyCommand request) => key.Gate.Run(
        KeyGate.Enter(KmsOperation.DescribeKey, request.Caller), () => Describe(key), isRepeatable: true);

    private static async Task<KeyDescription> Describe(KeyActivation key)
    {
        var reads = key.Usage.Reads;
        await key.Load();
        await key.Rotation.RotateIfDue();
        using (await key.Turns.Begin())
        {
            var row = await key.Current();
            await key.Usage.Refresh(row.Incarnation, reads);
            if (KeyRotation.MakesVersionsByItself(row)
                && KeyRotation.IsUsedUp(row, key.Usage.Meter(row.PrimaryVersion).Spent, UsagePolicy.Of(row).RotateAt))
            {
                row = await RotateIfPossible(key, row);
            }

            return RowChange.Described(key, row);
        }
    }

    private static async Task<KeyRow> RotateIfPossible(KeyActivation key, KeyRow row)
    {
        try
        {
            // The key's own doing, and recorded as such: whoever looks has asked for none.
            return await VersionMaking.Rotate(key, row, new(KeyServices.Self, "rotate-by-plan", Reason: "by use"));
        }
        catch (KmsException e) when (e.Error == KmsError.Conflict || e.Error == KmsError.HsmUnavailable || e.Error == KmsError.AuditUnavailable)
        {
            // It cannot get another version, or not now. It can still be described.
            return row;
        }
        catch (MaterialNotReadyException)
        {
            // That takes long, or is not possible now. Whoever looks does not wait for it.
            _ = key.Gate.Observe(key.Spare.Make(row));
            return row;
        }
    }
}
