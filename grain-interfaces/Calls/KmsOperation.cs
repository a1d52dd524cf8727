using System.Collections.Frozen;

namespace OrleansKms;

/// <summary>What policies can grant together.</summary>
public enum KmsOperationGroup
{
    /// <summary>Uses keys as they are.</summary>
    Use,
    /// <summary>Creates, changes, lists and deletes keys and their aliases.</summary>
    Manage,
    /// <summary>Exports material.</summary>
    Export,
    /// <summary>Reads the audit trail.</summary>
    Audit,
    /// <summary>Runs the installation.</summary>
    Admin,
}

/// <summary>
/// One operation of the service. This table is the only list of operations: grain methods and routes name a row, and policy, metrics,
/// log lines about changes and the retry rule read it.
/// </summary>
public sealed class KmsOperation
{
    private static readonly List<KmsOperation> _rows = [];

    /// <summary>Creates a key.</summary>
    public static readonly KmsOperation CreateKey = Manage("keys:create", namesKey: true);
    /// <summary>Lists keys.</summary>
    public static readonly KmsOperation ListKeys = new("keys:list", KmsOperationGroup.Manage) { ListsKeys = true };
    /// <summary>Describes a key.</summary>
    public static readonly KmsOperation DescribeKey = Manage("keys:describe", namesKey: true);
    /// <summary>Reads a key's history.</summary>
    public static readonly KmsOperation ReadHistory = new("keys:history", KmsOperationGroup.Audit) { NamesKey = true };
    /// <summary>Changes a key's description, tags, rotation plan, limits or minimum version that decrypts.</summary>
    public static readonly KmsOperation UpdateKey = Manage("keys:update", namesKey: true);
    /// <summary>Makes a new primary version.</summary>
    public static readonly KmsOperation RotateKey = Manage("keys:rotate", namesKey: true);
    /// <summary>Makes what material is wrapped with to be imported.</summary>
    public static readonly KmsOperation MakeImportParameters = Manage("keys:import-parameters", namesKey: true);
    /// <summary>Imports material as a new primary version.</summary>
    public static readonly KmsOperation ImportKey = Manage("keys:import", namesKey: true);
    /// <summary>Returns a version's material, wrapped.</summary>
    public static readonly KmsOperation ExportKey = new("keys:export", KmsOperationGroup.Export, metric: "export") { NamesKey = true, UsesMaterial = true };
    /// <summary>Makes a disabled key usable again.</summary>
    public static readonly KmsOperation EnableKey = Manage("keys:enable", namesKey: true);
    /// <summary>Makes a key unusable until it is enabled.</summary>
    public static readonly KmsOperation DisableKey = Manage("keys:disable", namesKey: true);
    /// <summary>Makes a disabled version usable again.</summary>
    public static readonly KmsOperation EnableVersion = Manage("keys:enable-version", namesKey: true);
    /// <summary>Makes one version unusable until it is enabled.</summary>
    public static readonly KmsOperation DisableVersion = Manage("keys:disable-version", namesKey: true);
    /// <summary>Makes a version unusable now and erases its material later.</summary>
    public static readonly KmsOperation ScheduleDestruction = Manage("keys:schedule-destruction", namesKey: true);
    /// <summary>Cancels a scheduled destruction.</summary>
    public static readonly KmsOperation CancelDestruction = Manage("keys:cancel-destruction", namesKey: true);
    /// <summary>Makes a key unusable now and erases its material later.</summary>
    public static readonly KmsOperation ScheduleDeletion = Manage("keys:schedule-deletion", namesKey: true);
    /// <summary>Cancels a scheduled deletion.</summary>
    public static readonly KmsOperation CancelDeletion = Manage("keys:cancel-deletion", namesKey: true);
    /// <summary>Makes a sealed backup of a whole key.</summary>
    public static readonly KmsOperation BackUpKey = Manage("keys:backup", namesKey: true);
    /// <summary>Restores a key from its backup.</summary>
    public static readonly KmsOperation RestoreKey = Manage("keys:restore", namesKey: true);
    /// <summary>Lists operations that need approval.</summary>
    public static readonly KmsOperation ListApprovals = new("approvals:list", KmsOperationGroup.Manage) { ListsKeys = true };
    /// <summary>Describes an operation that needs approval.</summary>
    public static readonly KmsOperation DescribeApproval = Manage("approvals:describe", namesKey: true);
    /// <summary>Approves an operation; the key's rule must permit the principal.</summary>
    public static readonly KmsOperation Approve = Manage("approvals:approve", namesKey: true);
    /// <summary>Rejects an operation; the key's rule must permit the principal.</summary>
    public static readonly KmsOperation RejectApproval = Manage("approvals:reject", namesKey: true);
    /// <summary>Withdraws an operation that is pending approval.</summary>
    public static readonly KmsOperation CancelApproval = Manage("approvals:cancel", namesKey: true);
    /// <summary>Asks whether a key can be used.</summary>
    public static readonly KmsOperation ValidateKey = Use("keys:validate", namesKey: true, spendsUse: false);
    /// <summary>Encrypts.</summary>
    public static readonly KmsOperation Encrypt = Use("keys:encrypt", namesKey: true, spendsUse: true, hasMessage: true, usesMaterial: true);
    /// <summary>Decrypts.</summary>
    public static readonly KmsOperation Decrypt = Use("keys:decrypt", namesKey: true, spendsUse: false, hasMessage: true, usesMaterial: true);
    /// <summary>Re-encrypts a ciphertext under the primary version.</summary>
    public static readonly KmsOperation Rewrap = Use("keys:rewrap", namesKey: true, spendsUse: true, hasMessage: true, usesMaterial: true);
    /// <summary>Moves a ciphertext to another key. Policy judges it as a decryption with one and an encryption with the other.</summary>
    public static readonly KmsOperation Reencrypt = Use("keys:reencrypt", namesKey: true, spendsUse: true);
    /// <summary>Generates a data key.</summary>
    public static readonly KmsOperation GenerateDataKey = Use("keys:datakey", namesKey: true, spendsUse: true, metric: "data_key", hasMessage: true, usesMaterial: true);
    /// <summary>Generates a data key pair.</summary>
    public static readonly KmsOperation GenerateDataKeyPair = Use(
        "keys:datakey-pair", namesKey: true, spendsUse: true, metric: "data_key_pair", hasMessage: true, usesMaterial: true, mayTakeLong: true);
    /// <summary>Signs.</summary>
    public static readonly KmsOperation Sign = Use("keys:sign", namesKey: true, spendsUse: true, usesMaterial: true, mayTakeLong: true);
    /// <summary>Verifies a signature.</summary>
    public static readonly KmsOperation Verify = Use("keys:verify", namesKey: true, spendsUse: false, usesMaterial: true, mayTakeLong: true);
    /// <summary>Makes a MAC.</summary>
    public static readonly KmsOperation GenerateMac = Use("keys:mac", namesKey: true, spendsUse: true, usesMaterial: true);
    /// <summary>Verifies a MAC.</summary>
    public static readonly KmsOperation VerifyMac = Use(
        "keys:verify-mac", namesKey: true, spendsUse: false, metric: "verify_mac", usesMaterial: true, mayTakeLong: true);
    /// <summary>Derives a key, or agrees on one.</summary>
    public static readonly KmsOperation Derive = Use("keys:derive", namesKey: true, spendsUse: true, usesMaterial: true);
    /// <summary>Makes a secret and encapsulates it.</summary>
    public static readonly KmsOperation Encapsulate = Use("keys:encapsulate", namesKey: true, spendsUse: false, usesMaterial: true);
    /// <summary>Finds an encapsulated secret.</summary>
    public static readonly KmsOperation Decapsulate = Use("keys:decapsulate", namesKey: true, spendsUse: true, usesMaterial: true);
    /// <summary>Reads a public key.</summary>
    public static readonly KmsOperation ReadPublicKey = Use("keys:public-key", namesKey: true, spendsUse: false, metric: "public_key");
    /// <summary>Signs a token.</summary>
    public static readonly KmsOperation SignJws = Use("keys:jws", namesKey: true, spendsUse: true, usesMaterial: true);
    /// <summary>Publishes the public keys that verify tokens.</summary>
    public static readonly KmsOperation ListJwks = new("keys:jwks", KmsOperationGroup.Use) { ListsKeys = true, IsDataPlane = true };
    /// <summary>Runs operations on many keys. Policy judges each of them separately.</summary>
    public static readonly KmsOperation RunBatch = Use("keys:batch", namesKey: true, spendsUse: true);
    /// <summary>Draws random bytes.</summary>
    public static readonly KmsOperation DrawRandom = Use("random:draw", namesKey: false, spendsUse: false);
    /// <summary>Lists aliases.</summary>
    public static readonly KmsOperation ListAliases = new("aliases:list", KmsOperationGroup.Manage) { ListsKeys = true };
    /// <summary>Returns the key that an alias stands for.</summary>
    public static readonly KmsOperation DescribeAlias = new("aliases:describe", KmsOperationGroup.Manage) { NamesKey = true, IsDataPlane = true };
    /// <summary>Creates an alias, or points it at another key.</summary>
    public static readonly KmsOperation PointAlias = Manage("aliases:point", namesKey: true);
    /// <summary>Removes an alias.</summary>
    public static readonly KmsOperation RemoveAlias = Manage("aliases:remove", namesKey: true);
    /// <summary>Sets a key's own policy.</summary>
    public static readonly KmsOperation SetKeyPolicy = Manage("keys:set-policy", namesKey: true);
    /// <summary>Returns a key's own policy.</summary>
    public static readonly KmsOperation DescribeKeyPolicy = Manage("keys:describe-policy", namesKey: true);
    /// <summary>Removes a key's own policy.</summary>
    public static readonly KmsOperation RemoveKeyPolicy = Manage("keys:remove-policy", namesKey: true);
    /// <summary>Creates or replaces a policy.</summary>
    public static readonly KmsOperation PutPolicy = Admin("policies:put", needsProof: true);
    /// <summary>Reads a policy.</summary>
    public static readonly KmsOperation DescribePolicy = Admin("policies:describe");
    /// <summary>Lists policies.</summary>
    public static readonly KmsOperation ListPolicies = Admin("policies:list");
    /// <summary>Deletes a policy.</summary>
    public static readonly KmsOperation DeletePolicy = Admin("policies:delete", needsProof: true);
    /// <summary>Explains what policies would decide.</summary>
    public static readonly KmsOperation SimulateAccess = Admin("policies:simulate");
    /// <summary>Returns to gateways the immutable facts of a key that policies look at.</summary>
    public static readonly KmsOperation ReadKeyFacts = Admin("service:key-facts", isAudited: false);
    /// <summary>Opens every stored row of a key, to see whether it is intact.</summary>
    public static readonly KmsOperation CheckRows = new("keys:check-rows", KmsOperationGroup.Admin) { NamesKey = true };
    /// <summary>Lists the key-encryption keys.</summary>
    public static readonly KmsOperation ListKeks = Admin("keks:list", needsProof: true);
    /// <summary>Makes a new key-encryption key.</summary>
    public static readonly KmsOperation RotateKek = Admin("keks:rotate", needsProof: true);
    /// <summary>Destroys a key-encryption key.</summary>
    public static readonly KmsOperation DestroyKek = Admin("keks:destroy", needsProof: true);
    /// <summary>Returns what a process logs.</summary>
    public static readonly KmsOperation DescribeLogging = Admin("logging:describe");
    /// <summary>Changes what a process logs.</summary>
    public static readonly KmsOperation SetLogging = Admin("logging:set");
    /// <summary>Reads the service's health.</summary>
    public static readonly KmsOperation CheckHealth = Admin("service:health", isAudited: false);
    /// <summary>Reads metrics.</summary>
    public static readonly KmsOperation ReadMetrics = Admin("service:metrics");
    /// <summary>Reads the reference of the HTTP interface, or the console's page.</summary>
    public static readonly KmsOperation ReadReference = Admin("service:reference", isAudited: false);
    /// <summary>Views the Orleans Dashboard.</summary>
    public static readonly KmsOperation SeeDashboard = Admin("service:dashboard");
    /// <summary>Returns to gateways what to check tokens against.</summary>
    public static readonly KmsOperation ListCredentials = Admin("service:credentials", isAudited: false);

    /// <summary>Signs in: to the console, and the operation of a refusal that comes before the request's address is known.</summary>
    public static readonly KmsOperation SignIn = Admin("service:sign-in");
    /// <summary>Searches the audit trail.</summary>
    public static readonly KmsOperation SearchAudit = new("audit:search", KmsOperationGroup.Audit);
    /// <summary>Lists the logs of the audit trail.</summary>
    public static readonly KmsOperation ListAuditLogs = new("audit:logs", KmsOperationGroup.Audit);
    /// <summary>Reports to a silo, for the audit trail, what a gateway answered itself.</summary>
    public static readonly KmsOperation RecordCalls = Admin("audit:record", isAudited: false);
    /// <summary>Returns to gateways the principal of a credential.</summary>
    public static readonly KmsOperation FindPrincipal = Admin("service:find-principal", isAudited: false);
    /// <summary>Returns to gateways which principals and policies to forget.</summary>
    public static readonly KmsOperation ListAccessChanges = Admin("service:access-changes", isAudited: false);
    /// <summary>Records when tokens were used.</summary>
    public static readonly KmsOperation NoteTokenUse = Admin("service:note-token-use", isAudited: false);
    /// <summary>Returns the caller's identity; anyone who has signed in may.</summary>
    public static readonly KmsOperation WhoAmI = new("service:whoami", KmsOperationGroup.Admin) { IsForEveryone = true, IsAudited = false };
    /// <summary>Creates a principal.</summary>
    public static readonly KmsOperation CreatePrincipal = Admin("principals:create", needsProof: true);
    /// <summary>Lists principals.</summary>
    public static readonly KmsOperation ListPrincipals = Admin("principals:list");
    /// <summary>Describes a principal.</summary>
    public static readonly KmsOperation DescribePrincipal = Admin("principals:describe");
    /// <summary>Changes a principal's description, policies, limits or identities.</summary>
    public static readonly KmsOperation UpdatePrincipal = Admin("principals:update", needsProof: true);
    /// <summary>Allows a principal to sign in again.</summary>
    public static readonly KmsOperation EnablePrincipal = Admin("principals:enable", needsProof: true);
    /// <summary>Prevents a principal from signing in.</summary>
    public static readonly KmsOperation DisablePrincipal = Admin("principals:disable", needsProof: true);
    /// <summary>Removes a principal and its tokens.</summary>
    public static readonly KmsOperation DeletePrincipal = Admin("principals:delete", needsProof: true);
    /// <summary>Creates a token of a principal.</summary>
    public static readonly KmsOperation CreateToken = Admin("principals:create-token", needsProof: true);
    /// <summary>Lists the tokens of a principal.</summary>
    public static readonly KmsOperation ListTokens = Admin("principals:list-tokens");
    /// <summary>Revokes a token.</summary>
    public static readonly KmsOperation RevokeToken = Admin("principals:revoke-token", needsProof: true);

    /// <summary>Sets the limits of a namespace.</summary>
    public static readonly KmsOperation SetNamespaceLimits = Admin("namespaces:set-limits", needsProof: true);
    /// <summary>Returns the limits of a namespace.</summary>
    public static readonly KmsOperation DescribeNamespaceLimits = Admin("namespaces:describe-limits");
    /// <summary>Removes the limits of a namespace.</summary>
    public static readonly KmsOperation RemoveNamespaceLimits = Admin("namespaces:remove-limits", needsProof: true);
    /// <summary>Returns to gateways the limits of all namespaces.</summary>
    public static readonly KmsOperation ListNamespaceLimits = Admin("service:namespace-limits", isAudited: false);
    /// <summary>Reserves uses of a limit for a gateway.</summary>
    public static readonly KmsOperation ReserveUses = Admin("service:reserve-uses", isAudited: false);

    /// <summary>Every operation, by name.</summary>
    public static FrozenDictionary<string, KmsOperation> All { get; } =
        _rows.ToFrozenDictionary(row => row.Name, StringComparer.Ordinal);

    private KmsOperation(string name, KmsOperationGroup group, string? metric = null)
    {
        (Name, Group, Index) = (name, group, _rows.Count);
        Verb = name[(name.IndexOf(':', StringComparison.Ordinal) + 1)..];
        Metric = metric ?? (group == KmsOperationGroup.Use ? Verb : "change");
        _rows.Add(this);
    }

    /// <summary>The name in policies and audit, for example <c>keys:encrypt</c>.</summary>
    public string Name { get; }

    /// <summary>The part after the colon: the name in log lines about changes.</summary>
    public string Verb { get; }

    /// <summary>The group that policies can grant it with.</summary>
    public KmsOperationGroup Group { get; }

    /// <summary>Whether it concerns a key that the request names, so that policy judges it for that key.</summary>
    public bool NamesKey { get; private init; }

    /// <summary>Whether it lists keys or their aliases. It is allowed if it is allowed for any key, and shows only those keys.</summary>
    public bool ListsKeys { get; private init; }

    /// <summary>Whether its request has associated data, and a ciphertext given or requested; policies can look at both.</summary>
    internal bool HasMessage { get; private init; }

    /// <summary>Whether it spends from a key's budget.</summary>
    public bool SpendsUse { get; private init; }

    /// <summary>Whether it takes seconds with some algorithms, so that gateways give it the time of its whole request.</summary>
    internal bool MayTakeLong { get; private init; }

    /// <summary>Whether it is cryptography with a key, whose calls and outcomes the key's metrics count.</summary>
    internal bool UsesMaterial { get; private init; }

    /// <summary>
    /// Whether it uses a key without any visible change, so that running it twice is harmless: it spends at most one use too
    /// many. Gateways give such a call little time and retry it when it failed on the way or was not answered; any other call
    /// they retry only when it cannot have run.
    /// </summary>
    public bool IsDataPlane { get; private init; }

    /// <summary>
    /// Whether it is recorded in the audit trail. Operations open to everyone, and calls between parts of the service, are not.
    /// </summary>
    public bool IsAudited { get; private init; } = true;

    /// <summary>The label <c>operation</c> of metrics: changes share one.</summary>
    public string Metric { get; }

    /// <summary>Whether anyone who has signed in may do it, whatever policies say.</summary>
    internal bool IsForEveryone { get; private init; }

    /// <summary>Whether silos take no gateway's word for who asks: the message must prove it, by the token that the caller signed in with.</summary>
    internal bool NeedsProof { get; private init; }

    /// <summary>Its place in the table, for counters.</summary>
    internal int Index { get; }

    /// <summary>The row of a name.</summary>
    /// <exception cref="InvalidOperationException">No row has it: the code that named it is wrong.</exception>
    public static KmsOperation Named(string name) => All.GetValueOrDefault(name)
        ?? throw new InvalidOperationException($"Internal error: there is no operation '{name}'.");

    /// <summary>The name.</summary>
    public override string ToString() => Name;

    private static KmsOperation Use(
        string name, bool namesKey, bool spendsUse, string? metric = null, bool hasMessage = false, bool usesMaterial = false,
        bool mayTakeLong = false) =>
        new(name, KmsOperationGroup.Use, metric)
        {
            NamesKey = namesKey,
            SpendsUse = spendsUse,
            IsDataPlane = true,
            HasMessage = hasMessage,
            UsesMaterial = usesMaterial,
            MayTakeLong = mayTakeLong,
        };

    private static KmsOperation Manage(string name, bool namesKey) => new(name, KmsOperationGroup.Manage) { NamesKey = namesKey };

    private static KmsOperation Admin(string name, bool isAudited = true, bool needsProof = false) =>
        new(name, KmsOperationGroup.Admin) { IsAudited = isAudited, NeedsProof = needsProof };
}
