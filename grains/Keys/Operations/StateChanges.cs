using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Enables and disables the key or one of its versions.</summary>
internal static class StateChanges
{
    public static Task<KeyDescription> Enable(KeyActivation key, KeyCommand request) => Run(
        key, KmsOperation.EnableKey, request.Caller, row => KeyChanges.SetState(row, KeyEvent.Enable));

    public static Task<KeyDescription> Disable(KeyActivation key, KeyCommand request) => Run(
        key, KmsOperation.DisableKey, request.Caller, row => KeyChanges.SetState(row, KeyEvent.Disable));

    public static Task<KeyDescription> EnableVersion(KeyActivation key, KeyVersionCommand request) => Run(
        key, KmsOperation.EnableVersion, request.Caller,
        row => KeyChanges.ChangeVersion(row, request.Version, KeyVersionEvent.Enable), request.Version);

    public static Task<KeyDescription> DisableVersion(KeyActivation key, KeyVersionCommand request) => Run(
        key, KmsOperation.DisableVersion, request.Caller,
        row => KeyChanges.ChangeVersion(row, request.Version, KeyVersionEvent.Disable), request.Version);

    private static Task<KeyDescription> Run(
        KeyActivation key, KmsOperation operation, Caller caller, Func<KeyRow, KeyRow> change, int? version = null) =>
        key.Gate.RunInTurn(
            KeyGate.Enter(operation, caller) with { Version = version },
            async () =>
            {
                var (row, next) = await RowChange.Prepare(key, change);
                return await RowChange.Commit(key, row, next, caller, operation.Verb, version);
            });
}
