using OrleansKms.Gateway.Rest.Access;
using OrleansKms.Gateway.Rest.Admin;
using OrleansKms.Gateway.Rest.Aliases;
using OrleansKms.Gateway.Rest.Approvals;
using OrleansKms.Gateway.Rest.Audit;
using OrleansKms.Gateway.Rest.Cryptography;
using OrleansKms.Gateway.Rest.Keys;
using OrleansKms.Gateway.Rest.Limits;
using OrleansKms.Gateway.Rest.Policies;
using OrleansKms.Gateway.Rest.Service;

namespace OrleansKms.Gateway.Rest;

/// <summary>The table of contents: every address of the gateway. A key's <c>{id}</c> may be <c>alias:</c> and a name.</summary>
internal static class Routes
{
    /// <summary>The probes.</summary>
    public static IReadOnlyList<Route> Health { get; } =
    [
        Get("/health", "Reports whether every part works.", HealthEndpoint.Handle).Requires(KmsOperation.CheckHealth).Answers<HealthAnswer>().Open(),
        Get("/health/live", "Reports that the process runs.", HealthEndpoint.HandleLive).Requires(KmsOperation.CheckHealth).Answers<HealthAnswer>().Open(),
        Get("/health/ready", "Reports whether requests should be sent here.", HealthEndpoint.HandleReady).Requires(KmsOperation.CheckHealth).Answers<HealthAnswer>().Open(),
    ];

    /// <summary>All routes.</summary>
    public static IReadOnlyList<Route> All { get; } =
    [
        .. Tagged("Keys", [
            Post("/v1/keys", "Creates a key, or many.", CreateKeyEndpoint.Handle).Requires(KmsOperation.CreateKey).MayTake<CreateKeyBody>().Answers<KeyAnswer>(201).OrMany<CreateKeysAnswer>(),
            Get("/v1/keys", "Lists keys in the order of their ids.", ListKeysEndpoint.Handle).Requires(KmsOperation.ListKeys).WithQuery(ListKeysEndpoint.Parameters).Answers<ListKeysAnswer>(),
            Post("/v1/keys/validate", "Checks many keys at once for whether they can be used.", ValidateKeysEndpoint.Handle).Requires(KmsOperation.ValidateKey).Takes<ValidateKeysBody>().Answers<ValidateKeysAnswer>(),
            Get("/v1/keys/{id}", "Describes a key.", DescribeKeyEndpoint.Handle).Requires(KmsOperation.DescribeKey).Answers<KeyAnswer>(),
            Get("/v1/keys/{id}/history", "Returns a key's history, newest event first, and whether it matches the chain whose head the key holds.", KeyHistoryEndpoint.Handle).Requires(KmsOperation.ReadHistory).WithQuery(KeyHistoryEndpoint.Parameters).Answers<KeyHistoryAnswer>(),
            Get("/v1/keys/{id}/public-key", "Reads the public key of a version, as PEM and as a JSON Web Key.", PublicKeyEndpoint.Handle).Requires(KmsOperation.ReadPublicKey).WithQuery(PublicKeyEndpoint.Parameters).Answers<PublicKeyAnswer>(),
            Get("/v1/keys/{id}/backup", "Makes a backup of a whole key, sealed for this installation.", BackupEndpoints.HandleBackup).Requires(KmsOperation.BackUpKey).Answers<BackupAnswer>(),
            Post("/v1/restore", "Restores a key from its backup, under its own id; its versions only decrypt and verify, and a new primary version is made.", BackupEndpoints.HandleRestore).Requires(KmsOperation.RestoreKey).Takes<RestoreBody>().Answers<KeyAnswer>(),
            Patch("/v1/keys/{id}", "Changes a key's description, tags, rotation, limits, dual control or minimum version that decrypts.", UpdateKeyEndpoint.Handle).Requires(KmsOperation.UpdateKey).Takes<UpdateKeyBody>().Answers<KeyAnswer>(),
            Post("/v1/keys/{id}/import-parameters", "Makes what material is wrapped with to be imported, once and by this caller.", ImportParametersEndpoint.Handle).Requires(KmsOperation.MakeImportParameters).Answers<ImportParametersAnswer>(),
            Post("/v1/keys/{id}/import", "Imports material as a new primary version.", ImportKeyEndpoint.Handle).Requires(KmsOperation.ImportKey).Takes<ImportKeyBody>().Answers<KeyAnswer>(),
            Post("/v1/keys/{id}/export", "Returns a version's material, wrapped, of a key that was created exportable.", ExportKeyEndpoint.Handle).Requires(KmsOperation.ExportKey).Takes<ExportKeyBody>().Answers<ExportKeyAnswer>(),
            .. KeyCommandRoutes.OfKeys,
            .. KeyCommandRoutes.OfVersions,
#if !OKMS_FEATURE_LEVEL_1
            Post("/v1/keys/{id}/versions/{n}/destroy", "Makes a version unusable now and erases its material later; not the primary one.", DestroyVersionEndpoint.Handle).Requires(KmsOperation.ScheduleDestruction).MayTake<DestroyVersionBody>().Answers<KeyAnswer>(),
            KeyCommandRoutes.CancelDestruction,
#endif
            Post("/v1/keys/{id}/schedule-deletion", "Makes a key unusable now and erases its material later.", ScheduleDeletionEndpoint.Handle).Requires(KmsOperation.ScheduleDeletion).MayTake<ScheduleDeletionBody>().Answers<KeyAnswer>(),
            KeyCommandRoutes.CancelDeletion]),
        .. Tagged("Aliases",
            Get("/v1/aliases", "Lists aliases in the order of their names.", ListAliasesEndpoint.Handle).Requires(KmsOperation.ListAliases).WithQuery(ListAliasesEndpoint.Parameters).Answers<ListAliasesAnswer>(),
            Get("/v1/aliases/{name}", "Returns the key that an alias stands for.", DescribeAliasEndpoint.Handle).Requires(KmsOperation.DescribeAlias).Answers<AliasAnswer>(),
            Put("/v1/aliases/{name}", "Creates an alias, or points it at another key.", PointAliasEndpoint.Handle).Requires(KmsOperation.PointAlias).Takes<PointAliasBody>().Answers<AliasAnswer>(),
            Delete("/v1/aliases/{name}", "Removes an alias; the key stays.", RemoveAliasEndpoint.Handle).Requires(KmsOperation.RemoveAlias).AnswersNothing()),
        .. Tagged("Approvals", [
            Get("/v1/approvals", "Lists operations that need approval.", ListApprovalsEndpoint.Handle).Requires(KmsOperation.ListApprovals).WithQuery(ListApprovalsEndpoint.Parameters).Answers<ListApprovalsAnswer>(),
            .. ApprovalRoutes.All]),
        .. Tagged("Cryptography",
            Post("/v1/keys/{id}/encrypt", "Encrypts one plaintext or many.", EncryptEndpoint.Handle).Requires(KmsOperation.Encrypt).Takes<EncryptBody>().Answers<EncryptAnswer>().OrItems().OrOctets(),
            Post("/v1/keys/{id}/decrypt", "Decrypts one ciphertext or many.", DecryptEndpoint.Handle).Requires(KmsOperation.Decrypt).Takes<DecryptBody>().Answers<DecryptAnswer>().OrItems().OrOctets(),
            Post("/v1/keys/{id}/rewrap", "Re-encrypts one ciphertext or many under the primary version.", RewrapEndpoint.Handle).Requires(KmsOperation.Rewrap).Takes<RewrapBody>().Answers<EncryptAnswer>().OrItems(),
            Post("/v1/keys/{id}/datakey", "Generates a data key.", DataKeyEndpoint.Handle).Requires(KmsOperation.GenerateDataKey).MayTake<DataKeyBody>().Answers<DataKeyAnswer>(),
            Post("/v1/keys/{id}/datakey-pair", "Generates a data key pair.", DataKeyPairEndpoint.Handle).Requires(KmsOperation.GenerateDataKeyPair).Takes<DataKeyPairBody>().Answers<DataKeyPairAnswer>(),
            Post("/v1/keys/{id}/sign", "Signs one message or digest, or many.", SignEndpoint.Handle).Requires(KmsOperation.Sign).Takes<SignBody>().Answers<SignAnswer>().OrItems(),
            Post("/v1/keys/{id}/verify", "Verifies one signature or many.", VerifyEndpoint.Handle).Requires(KmsOperation.Verify).Takes<VerifyBody>().Answers<VerifyAnswer>().OrItems(),
            Post("/v1/keys/{id}/mac", "Makes the MAC of one message or of many.", MacEndpoint.Handle).Requires(KmsOperation.GenerateMac).Takes<MacBody>().Answers<MacAnswer>().OrItems(),
            Post("/v1/keys/{id}/mac/verify", "Verifies one MAC or many.", VerifyMacEndpoint.Handle).Requires(KmsOperation.VerifyMac).Takes<VerifyMacBody>().Answers<VerifyAnswer>().OrItems(),
            Post("/v1/keys/{id}/derive", "Derives a key, or agrees on one with the owner of a public key.", DeriveEndpoint.Handle).Requires(KmsOperation.Derive).Takes<DeriveBody>().Answers<DeriveAnswer>(),
            Post("/v1/keys/{id}/jws", "Signs a token: a compact JWS.", JwsEndpoint.Handle).Requires(KmsOperation.SignJws).Takes<JwsBody>().Answers<JwsAnswer>(),
            Get("/v1/jwks", "Publishes the public keys that verify tokens: every enabled version of the keys of usage jws. Kept for 5 minutes; with an ETag.", JwksEndpoint.Handle).Requires(KmsOperation.ListJwks).WithQuery(JwksEndpoint.Parameters).Answers<JwksAnswer>(),
            Post("/v1/keys/{id}/encapsulate", "Makes a secret and encapsulates it for the primary version.", EncapsulateEndpoint.Handle).Requires(KmsOperation.Encapsulate).MayTake<EmptyBody>().Answers<EncapsulateAnswer>(),
            Post("/v1/keys/{id}/decapsulate", "Finds an encapsulated secret.", DecapsulateEndpoint.Handle).Requires(KmsOperation.Decapsulate).Takes<DecapsulateBody>().Answers<DecapsulateAnswer>(),
            Post("/v1/decrypt", "Decrypts with the key that the ciphertext names.", DecryptByCiphertextEndpoint.Handle).Requires(KmsOperation.Decrypt).Takes<DecryptByCiphertextBody>().Answers<DecryptAnswer>().OrOctets(),
            Post("/v1/reencrypt", "Moves a ciphertext from one key to another.", ReencryptEndpoint.Handle).Requires(KmsOperation.Reencrypt).Takes<ReencryptBody>().Answers<EncryptAnswer>(),
            Post("/v1/batch", "Runs operations on many keys in parallel.", BatchEndpoint.Handle).Requires(KmsOperation.RunBatch).Takes<BatchBody>().Answers<BatchAnswer>(),
            Post("/v1/random", "Draws random bytes.", RandomEndpoint.Handle).Requires(KmsOperation.DrawRandom).Takes<RandomBody>().Answers<RandomAnswer>(),
            Post("/encrypt", "The short form of an encryption.", EncryptShortEndpoint.Handle).Requires(KmsOperation.Encrypt).Takes<EncryptShortBody>().Answers<EncryptAnswer>(),
            Post("/decrypt", "The short form of a decryption.", DecryptShortEndpoint.Handle).Requires(KmsOperation.Decrypt).Takes<DecryptShortBody>().Answers<DecryptAnswer>()),
        .. Tagged("Limits",
            Put("/v1/namespaces/{prefix}/limits", "Sets the limits of a namespace, which all keys under it share.", NamespaceLimitsEndpoint.HandleSet).Requires(KmsOperation.SetNamespaceLimits).Takes<NamespaceLimitsBody>().Answers<NamespaceLimitsAnswer>(),
            Get("/v1/namespaces/{prefix}/limits", "Returns the limits of a namespace.", NamespaceLimitsEndpoint.HandleDescribe).Requires(KmsOperation.DescribeNamespaceLimits).Answers<NamespaceLimitsAnswer>(),
            Delete("/v1/namespaces/{prefix}/limits", "Removes the limits of a namespace.", NamespaceLimitsEndpoint.HandleRemove).Requires(KmsOperation.RemoveNamespaceLimits).AnswersNothing()),
        .. Tagged("Principals", [
            Get("/v1/whoami", "Returns the caller's principal, credential and policies.", WhoAmIEndpoint.Handle).Requires(KmsOperation.WhoAmI).Answers<WhoAmIAnswer>(),
            Post("/v1/principals", "Creates a principal.", CreatePrincipalEndpoint.Handle).Requires(KmsOperation.CreatePrincipal).Takes<CreatePrincipalBody>().Answers<PrincipalAnswer>(201),
            Get("/v1/principals", "Lists principals in the order of their names.", ListPrincipalsEndpoint.Handle).Requires(KmsOperation.ListPrincipals).WithQuery(ListPrincipalsEndpoint.Parameters).Answers<ListPrincipalsAnswer>(),
            Patch("/v1/principals/{name}", "Changes a principal's description, policies, limits or identities.", UpdatePrincipalEndpoint.Handle).Requires(KmsOperation.UpdatePrincipal).Takes<UpdatePrincipalBody>().Answers<PrincipalAnswer>(),
            .. PrincipalCommandRoutes.All,
            Post("/v1/principals/{name}/tokens", "Creates a token, which is shown only this once.", CreateTokenEndpoint.Handle).Requires(KmsOperation.CreateToken).MayTake<CreateTokenBody>().Answers<CreatedTokenAnswer>(201),
            Get("/v1/principals/{name}/tokens", "Lists a principal's tokens, without their secrets.", ListTokensEndpoint.Handle).Requires(KmsOperation.ListTokens).Answers<ListTokensAnswer>(),
            Delete("/v1/principals/{name}/tokens/{id}", "Revokes a token.", RevokeTokenEndpoint.Handle).Requires(KmsOperation.RevokeToken).AnswersNothing()]),
        .. Tagged("Policies",
            Put("/v1/policies/{name}", "Creates a policy, or replaces it.", PolicyEndpoints.HandlePut).Requires(KmsOperation.PutPolicy).Takes<PolicyBody>().Answers<PolicyAnswer>(),
            Get("/v1/policies/{name}", "Reads a policy.", PolicyEndpoints.HandleGet).Requires(KmsOperation.DescribePolicy).Answers<PolicyAnswer>(),
            Delete("/v1/policies/{name}", "Deletes a policy that no principal has.", PolicyEndpoints.HandleDelete).Requires(KmsOperation.DeletePolicy).AnswersNothing(),
            Get("/v1/policies", "Lists policies, including built-in ones, in the order of their names.", PolicyEndpoints.HandleList).Requires(KmsOperation.ListPolicies).WithQuery(PolicyEndpoints.Parameters).Answers<ListPoliciesAnswer>(),
            Post("/v1/policies/simulate", "Explains why a call would be allowed or refused.", SimulateEndpoint.Handle).Requires(KmsOperation.SimulateAccess).Takes<SimulateBody>().Answers<SimulateAnswer>(),
            Put("/v1/keys/{id}/policy", "Sets a key's own policy, which narrows what principals' policies allow.", KeyPolicyEndpoints.HandlePut).Requires(KmsOperation.SetKeyPolicy).Takes<PolicyBody>().Answers<KeyPolicyAnswer>(),
            Get("/v1/keys/{id}/policy", "Returns a key's own policy.", KeyPolicyEndpoints.HandleGet).Requires(KmsOperation.DescribeKeyPolicy).Answers<KeyPolicyAnswer>(),
            Delete("/v1/keys/{id}/policy", "Removes a key's own policy.", KeyPolicyEndpoints.HandleDelete).Requires(KmsOperation.RemoveKeyPolicy).AnswersNothing()),
        .. Tagged("Administration",
            Get("/v1/admin/keks", "Lists the key-encryption keys and the progress of resealing.", ListKeksEndpoint.Handle).Requires(KmsOperation.ListKeks).Answers<ListKeksAnswer>(),
            Post("/v1/admin/keks/rotate", "Creates a new key-encryption key, under which all rows are resealed.", RotateKekEndpoint.Handle).Requires(KmsOperation.RotateKek).Answers<KekAnswer>(),
            Post("/v1/admin/keks/{id}/destroy", "Destroys a key-encryption key that no row needs.", DestroyKekEndpoint.Handle).Requires(KmsOperation.DestroyKek).Answers<KekAnswer>(),
            Get("/v1/admin/logging", "Returns what the process that answers logs.", LoggingEndpoint.HandleDescribe).Requires(KmsOperation.DescribeLogging).Answers<LoggingAnswer>(),
            Put("/v1/admin/logging", "Changes what the process that answers logs, for a time or while it runs.", LoggingEndpoint.HandleSet).Requires(KmsOperation.SetLogging).Takes<LoggingBody>().Answers<LoggingAnswer>()),
        .. Tagged("Audit",
            Get("/v1/audit", "Finds records of the audit trail, newest first.", SearchAuditEndpoint.Handle).Requires(KmsOperation.SearchAudit).WithQuery(SearchAuditEndpoint.Parameters).Answers<SearchAuditAnswer>(),
            Get("/v1/audit/logs", "Lists the logs of the audit trail with their sizes and last signed checkpoints.", ListAuditLogsEndpoint.Handle).Requires(KmsOperation.ListAuditLogs).Answers<ListAuditLogsAnswer>()),
        .. Tagged("Operation",
            [.. Health, Get("/openapi/v1.json", "This document.", OpenApiEndpoint.Handle).Requires(KmsOperation.ReadReference).Open()]),
    ];

    /// <summary>Metrics for Prometheus, which the exporter answers.</summary>
    public static Route Metrics { get; } = new(HttpMethods.Get, "/metrics", "Metrics for Prometheus.", _ => Task.CompletedTask) { Operation = KmsOperation.ReadMetrics, IsQuiet = true };

    private static Route Get(string pattern, string summary, Func<RestExchange, Task> handler) =>
        new(HttpMethods.Get, pattern, summary, handler);

    private static Route Post(string pattern, string summary, Func<RestExchange, Task> handler) =>
        new(HttpMethods.Post, pattern, summary, handler);

    private static Route Put(string pattern, string summary, Func<RestExchange, Task> handler) =>
        new(HttpMethods.Put, pattern, summary, handler);

    private static Route Patch(string pattern, string summary, Func<RestExchange, Task> handler) =>
        new(HttpMethods.Patch, pattern, summary, handler);

    private static Route Delete(string pattern, string summary, Func<RestExchange, Task> handler) =>
        new(HttpMethods.Delete, pattern, summary, handler);

    private static Route[] Tagged(string tag, params Route[] routes) => Array.ConvertAll(routes, r => r with { Tag = tag });
}
