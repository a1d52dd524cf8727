using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Enables and disables the key or one of its versions.</summary>
internal static class StateChanges
{
    public static Task<KeyDescription> Enable(KeyActivation key, KeyCommand request) =>
        GuardedChange.Run(key, request.Caller, KmsOperation.EnableKey);

    public static Task<KeyDescription> Disable(KeyActivation key, KeyCommand request) =>
        GuardedChange.Run(key, request.Caller, KmsOperation.DisableKey);

    public static Task<KeyDescription> EnableVersion(KeyActivation key, KeyVersionCommand request) =>
        GuardedChange.Run(key, request.Caller, KmsOperation.EnableVersion, operation => operation with { Version = request.Version });

    public static Task<KeyDescription> DisableVersion(KeyActivation key, KeyVersionCommand request) =>
        GuardedChange.Run(key, request.Caller, KmsOperation.DisableVersion, operation => operation with { Version = request.Version });
}

/// <summary>Enables or disables the key.</summary>
internal sealed class StateChange(RequestedOperation request) : KeyChange(request)
{
    /// <inheritdoc/>
    public override KeyRow Apply(KeyActivation key, KeyRow row) =>
        KeyChanges.SetState(row, Operation == KmsOperation.EnableKey ? KeyEvent.Enable : KeyEvent.Disable);
}

/// <summary>Enables or disables a version.</summary>
internal sealed class VersionStateChange(RequestedOperation request) : KeyChange(request)
{
    /// <inheritdoc/>
    public override KeyRow Apply(KeyActivation key, KeyRow row) => KeyChanges.ChangeVersion(
        row, Request.Version!.Value, Operation == KmsOperation.EnableVersion ? KeyVersionEvent.Enable : KeyVersionEvent.Disable);
}
