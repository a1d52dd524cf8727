using OrleansKms.Gateway.Endpoints.Admin;
using OrleansKms.Gateway.Endpoints.Aliases;
using OrleansKms.Gateway.Endpoints.Cryptography;
using OrleansKms.Gateway.Endpoints.Keys;
using OrleansKms.Gateway.Endpoints.Operation;
using OrleansKms.Gateway.Http;

namespace OrleansKms.Gateway;

/// <summary>The table of contents: every address of the gateway. A key's <c>{id}</c> may be <c>alias:</c> and a name.</summary>
internal static class Routes
{
    /// <summary>What tells probes how a process is.</summary>
    public static IReadOnlyList<Route> Health { get; } =
    [
        Get("/health", "Tells whether every part works.", HealthEndpoint.Handle).Answers<HealthAnswer>().Open(),
        Get("/health/live", "Tells that the process runs.", HealthEndpoint.HandleLive).Answers<HealthAnswer>().Open(),
        Get("/health/ready", "Tells whether requests should be sent here.", HealthEndpoint.HandleReady).Answers<HealthAnswer>().Open(),
    ];

    /// <summary>All routes.</summary>
    public static IReadOnlyList<Route> All { get; } =
    [
        .. Tagged("Keys",
            Post("/v1/keys", "Creates a key.", CreateKeyEndpoint.Handle).MayTake<CreateKeyBody>().Answers<KeyAnswer>(201),
            Get("/v1/keys", "Lists keys in the order of their ids.", ListKeysEndpoint.Handle).WithQuery(ListKeysEndpoint.Parameters).Answers<ListKeysAnswer>(),
            Post("/v1/keys/validate", "Asks many keys at once whether they can be used.", ValidateKeysEndpoint.Handle).Takes<ValidateKeysBody>().Answers<ValidateKeysAnswer>(),
            Get("/v1/keys/{id}", "Describes a key.", DescribeKeyEndpoint.Handle).Answers<KeyAnswer>(),
            Patch("/v1/keys/{id}", "Changes a key's description, tags, rotation or least version that decrypts.", UpdateKeyEndpoint.Handle).Takes<UpdateKeyBody>().Answers<KeyAnswer>(),
            Post("/v1/keys/{id}/rotate", "Makes a new primary version.", RotateKeyEndpoint.Handle).Answers<KeyAnswer>(),
            Post("/v1/keys/{id}/enable", "Makes a disabled key usable again.", EnableKeyEndpoint.Handle).Answers<KeyAnswer>(),
            Post("/v1/keys/{id}/disable", "Makes a key unusable until it is enabled.", DisableKeyEndpoint.Handle).Answers<KeyAnswer>(),
            Post("/v1/keys/{id}/versions/{n}/enable", "Makes a disabled version usable again.", EnableVersionEndpoint.Handle).Answers<KeyAnswer>(),
            Post("/v1/keys/{id}/versions/{n}/disable", "Makes a version unusable until it is enabled.", DisableVersionEndpoint.Handle).Answers<KeyAnswer>(),
#if !OKMS_FEATURE_LEVEL_1
            Post("/v1/keys/{id}/versions/{n}/destroy", "Makes a version unusable now and erases its material later; not the primary one.", DestroyVersionEndpoint.Handle).MayTake<DestroyVersionBody>().Answers<KeyAnswer>(),
            Post("/v1/keys/{id}/versions/{n}/cancel-destroy", "Takes the destruction of a version back; the version is disabled then, until it is enabled.", CancelDestructionEndpoint.Handle).Answers<KeyAnswer>(),
#endif
            Post("/v1/keys/{id}/schedule-deletion", "Makes a key unusable now and erases its material later.", ScheduleDeletionEndpoint.Handle).MayTake<ScheduleDeletionBody>().Answers<KeyAnswer>(),
            Post("/v1/keys/{id}/cancel-deletion", "Takes a scheduled deletion back; the key is disabled then, until it is enabled.", CancelDeletionEndpoint.Handle).Answers<KeyAnswer>()),
        .. Tagged("Aliases",
            Get("/v1/aliases", "Lists aliases in the order of their names.", ListAliasesEndpoint.Handle).WithQuery(ListAliasesEndpoint.Parameters).Answers<ListAliasesAnswer>(),
            Get("/v1/aliases/{name}", "Tells what an alias stands for.", DescribeAliasEndpoint.Handle).Answers<AliasAnswer>(),
            Put("/v1/aliases/{name}", "Makes an alias, or points it at another key.", PointAliasEndpoint.Handle).Takes<PointAliasBody>().Answers<AliasAnswer>(),
            Delete("/v1/aliases/{name}", "Removes an alias; the key stays.", RemoveAliasEndpoint.Handle).AnswersNothing()),
        .. Tagged("Cryptography",
            Post("/v1/keys/{id}/encrypt", "Encrypts one plaintext or many.", EncryptEndpoint.Handle).Takes<EncryptBody>().Answers<EncryptAnswer>().OrItems().OrOctets(),
            Post("/v1/keys/{id}/decrypt", "Decrypts one ciphertext or many.", DecryptEndpoint.Handle).Takes<DecryptBody>().Answers<DecryptAnswer>().OrItems().OrOctets(),
            Post("/v1/keys/{id}/rewrap", "Encrypts one ciphertext or many again under the primary version.", RewrapEndpoint.Handle).Takes<DecryptBody>().Answers<EncryptAnswer>().OrItems(),
            Post("/v1/keys/{id}/datakey", "Makes a data key.", DataKeyEndpoint.Handle).MayTake<DataKeyBody>().Answers<DataKeyAnswer>(),
            Post("/v1/decrypt", "Decrypts with the key that the ciphertext names.", DecryptByCiphertextEndpoint.Handle).Takes<DecryptByCiphertextBody>().Answers<DecryptAnswer>().OrOctets(),
            Post("/v1/reencrypt", "Moves a ciphertext from one key to another.", ReencryptEndpoint.Handle).Takes<ReencryptBody>().Answers<EncryptAnswer>(),
            Post("/v1/batch", "Runs operations on many keys side by side.", BatchEndpoint.Handle).Takes<BatchBody>().Answers<BatchAnswer>(),
            Post("/v1/random", "Draws random bytes.", RandomEndpoint.Handle).Takes<RandomBody>().Answers<RandomAnswer>(),
            Post("/encrypt", "The short form of an encryption.", EncryptShortEndpoint.Handle).Takes<EncryptShortBody>().Answers<EncryptAnswer>(),
            Post("/decrypt", "The short form of a decryption.", DecryptShortEndpoint.Handle).Takes<DecryptShortBody>().Answers<DecryptAnswer>()),
        .. Tagged("Administration",
            Get("/v1/admin/keks", "Lists the key-encryption keys and how far their rows have been sealed anew.", ListKeksEndpoint.Handle).Answers<ListKeksAnswer>(),
            Post("/v1/admin/keks/rotate", "Makes a new key-encryption key, under which all rows are sealed anew.", RotateKekEndpoint.Handle).Answers<KekAnswer>(),
            Post("/v1/admin/keks/{id}/destroy", "Destroys a key-encryption key that no row needs any more.", DestroyKekEndpoint.Handle).Answers<KekAnswer>()),
        .. Tagged("Operation",
            [.. Health, Get("/openapi/v1.json", "This document.", OpenApiEndpoint.Handle).Open()]),
    ];

    /// <summary>Metrics for Prometheus, which the exporter answers.</summary>
    public static Route Metrics { get; } = new(HttpMethods.Get, "/metrics", "Metrics for Prometheus.", _ => Task.CompletedTask) { IsQuiet = true };

    private static Route Get(string pattern, string summary, Func<Exchange, Task> handler) =>
        new(HttpMethods.Get, pattern, summary, handler);

    private static Route Post(string pattern, string summary, Func<Exchange, Task> handler) =>
        new(HttpMethods.Post, pattern, summary, handler);

    private static Route Put(string pattern, string summary, Func<Exchange, Task> handler) =>
        new(HttpMethods.Put, pattern, summary, handler);

    private static Route Patch(string pattern, string summary, Func<Exchange, Task> handler) =>
        new(HttpMethods.Patch, pattern, summary, handler);

    private static Route Delete(string pattern, string summary, Func<Exchange, Task> handler) =>
        new(HttpMethods.Delete, pattern, summary, handler);

    private static Route[] Tagged(string tag, params Route[] routes) => Array.ConvertAll(routes, r => r with { Tag = tag });
}
