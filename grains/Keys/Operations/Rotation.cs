using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Makes a new primary version on request.</summary>
internal static class Rotation
{
    public static Task<KeyDescription> Run(KeyActivation key, KeyCommand request) =>
        GuardedChange.Run(key, request.Caller, KmsOperation.RotateKey);
}

/// <summary>A requested rotation. Its version is made with the write.</summary>
internal sealed class KeyRotationByHand(RequestedOperation request) : KeyChange(request)
{
    /// <inheritdoc/>
    public override KeyRow Apply(KeyActivation key, KeyRow row)
    {
        KeyRotation.Plan(row, key.Services.Epoch, key.Now);
        return row;
    }

    /// <inheritdoc/>
    public override async Task<(KeyRow Row, KeyRow Next)> Prepare(KeyActivation key)
    {
        var row = await key.Current();
        return (row, Apply(key, row));
    }

    /// <inheritdoc/>
    public override bool Changes(KeyRow row, KeyRow next) => true;

    /// <inheritdoc/>
    public override async Task<KeyDescription> Commit(KeyActivation key, KeyRow row, KeyRow next, Caller caller, string? reason = null)
    {
        row = await VersionMaking.Rotate(key, row, new(caller, Operation.Verb, Reason: reason), made => made with { Approvals = next.Approvals });
        await key.Usage.Load(row.Incarnation);
        return RowChange.Described(key, row);
    }
}
