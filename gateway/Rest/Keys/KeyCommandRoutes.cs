using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Keys;

/// <summary>Commands without fields for a key or one of its versions: one row each.</summary>
internal static class KeyCommandRoutes
{
    /// <summary>Commands for a key.</summary>
    public static Route[] OfKeys { get; } =
    [
        OfKey("rotate", "RotateKey", "Makes a new primary version.", KmsOperation.RotateKey, KeyCommands.Rotate),
        OfKey("enable", "EnableKey", "Makes a disabled key usable again.", KmsOperation.EnableKey, KeyCommands.Enable),
        OfKey("disable", "DisableKey", "Makes a key unusable until it is enabled.", KmsOperation.DisableKey, KeyCommands.Disable),
    ];

    /// <summary>Commands for a version.</summary>
    public static Route[] OfVersions { get; } =
    [
        OfVersion("enable", "EnableVersion", "Makes a disabled version usable again.", KmsOperation.EnableVersion, KeyCommands.EnableVersion),
        OfVersion("disable", "DisableVersion", "Makes a version unusable until it is enabled.", KmsOperation.DisableVersion, KeyCommands.DisableVersion),
    ];

#if !OKMS_FEATURE_LEVEL_1
    /// <summary>Cancels the destruction of a version.</summary>
    public static Route CancelDestruction { get; } = OfVersion(
        "cancel-destroy", "CancelDestruction", "Cancels the destruction of a version, which is then disabled until it is "
            + "enabled.",
        KmsOperation.CancelDestruction, VersionDestruction.Cancel);
#endif

    /// <summary>Cancels a scheduled deletion.</summary>
    public static Route CancelDeletion { get; } = OfKey(
        "cancel-deletion", "CancelDeletion", "Cancels a scheduled deletion; the key is then disabled until it is enabled.",
        KmsOperation.CancelDeletion, KeyCommands.CancelDeletion);

    private static Route OfKey(
        string command, string id, string summary, KmsOperation operation, Func<Call, string, Task<KeyDescription>> run) =>
        new Route(HttpMethods.Post, "/v1/keys/{id}/" + command, summary, exchange => Answer(exchange, run)) { Id = id }
            .Requires(operation).Answers<KeyAnswer>();

    private static Route OfVersion(
        string command, string id, string summary, KmsOperation operation, Func<Call, string, int, Task<KeyDescription>> run) =>
        new Route(HttpMethods.Post, "/v1/keys/{id}/versions/{n}/" + command, summary, exchange => AnswerVersion(exchange, run)) { Id = id }
            .Requires(operation).Answers<KeyAnswer>();

    private static async Task Answer(RestExchange exchange, Func<Call, string, Task<KeyDescription>> run)
    {
        var key = await exchange.RouteKey();
        await exchange.ReadOptionalJson(RestJson.Default.EmptyBody, SizeLimits.ControlBody);
        await exchange.Answer(KeyAnswer.Of(await run(exchange, key)), RestJson.Default.KeyAnswer);
    }

    private static async Task AnswerVersion(RestExchange exchange, Func<Call, string, int, Task<KeyDescription>> run)
    {
        var key = await exchange.RouteKey();
        var version = VersionInRoute.Read(exchange);
        await exchange.ReadOptionalJson(RestJson.Default.EmptyBody, SizeLimits.ControlBody);
        await exchange.Answer(KeyAnswer.Of(await run(exchange, key, version)), RestJson.Default.KeyAnswer);
    }
}
