using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Changes description, tags, rotation plan, limits, the minimum version that decrypts or the approval rule.</summary>
internal static class Updating
{
    public static Task<KeyDescription> Run(KeyActivation key, UpdateKey request) =>
        GuardedChange.Run(key, request.Caller, KmsOperation.UpdateKey, operation => operation with { Update = request });
}

/// <summary>A requested update.</summary>
internal sealed class KeyUpdate(RequestedOperation request) : KeyChange(request)
{
    private readonly UpdateKey _update = request.Update!;

    /// <inheritdoc/>
    public override Task Begin(KeyActivation key)
    {
        KeyRequestRules.Check(_update);
        if (_update.Limits.Value is { Count: > 0 })
        {
            key.Services.RequireLevel4("Limits");
        }

        if (_update.Approval.Value is { } rule)
        {
            key.Services.RequireLevelOf(rule);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override KeyRow Apply(KeyActivation key, KeyRow row)
    {
        var next = KeyChanges.Update(row, _update, key.Now);
        ApprovalDeadlock.Check(key.Id, row, next);
        return next;
    }

    /// <inheritdoc/>
    public override Task<KeyDescription> Commit(KeyActivation key, KeyRow row, KeyRow next, Caller caller, string? reason = null) =>
        RowChange.Commit(key, row, next, caller, Operation.Verb, _update.MinDecryptVersion, reason);
}
