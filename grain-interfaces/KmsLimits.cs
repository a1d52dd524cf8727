namespace OrleansKms;

/// <summary>The limits that no setting changes. Everything that checks, documents or reports a limit reads it here.</summary>
public static class KmsLimits
{
    /// <summary>The largest plaintext that an operator can allow, in bytes: 1 MiB.</summary>
    public const int PlaintextBytes = 1 << 20;

    /// <summary>The largest plaintext unless the operator sets another limit, in bytes: 64 KiB.</summary>
    public const int DefaultPlaintextBytes = 64 * 1024;

    /// <summary>The largest associated data, in bytes: 8 KiB.</summary>
    public const int AssociatedDataBytes = 8 * 1024;

    /// <summary>The longest data key, in bytes.</summary>
    public const int DataKeyBytes = 1024;

    /// <summary>The default length of a data key, in bytes.</summary>
    public const int DefaultDataKeyBytes = 32;

    /// <summary>The longest MAC of any key, in bytes.</summary>
    public const int MacBytes = 64;

    /// <summary>The longest context, or salt, of a derivation, in bytes: 8 KiB.</summary>
    public const int DerivationContextBytes = 8 * 1024;

    /// <summary>The longest derived key, in bytes.</summary>
    public const int DerivedKeyBytes = 1024;

    /// <summary>The default length of a derived key, in bytes.</summary>
    public const int DefaultDerivedKeyBytes = 32;

    /// <summary>The longest public key that a key agrees with, in bytes: 4 KiB.</summary>
    public const int PeerPublicKeyBytes = 4 * 1024;

    /// <summary>The longest wrapped material that can be imported, in bytes: 16 KiB.</summary>
    public const int WrappedMaterialBytes = 16 * 1024;

    /// <summary>The longest public key that an export can be wrapped with, in bytes: 4 KiB.</summary>
    public const int WrappingKeyBytes = 4 * 1024;

    /// <summary>The size of the smallest RSA key that an export can be wrapped with, in bits.</summary>
    public const int MinWrappingKeyBits = 2048;

    /// <summary>The size of the largest RSA key that an export can be wrapped with, in bits.</summary>
    public const int MaxWrappingKeyBits = 8192;

    /// <summary>How many callers can hold import parameters of one key at once; each holds the last that it asked for.</summary>
    public const int ImportersOfKey = 8;

    /// <summary>
    /// How many versions whose material still exists a key can have when another one is imported: the new material is compared with each.
    /// </summary>
    public const int ImportedVersions = 1000;

    /// <summary>How many random bytes one request can draw.</summary>
    public const int RandomBytes = 1024;

    /// <summary>The longest context of a signature, in bytes (FIPS 204, 5.2).</summary>
    public const int ContextBytes = 255;

    /// <summary>The longest signature that is looked at, in bytes: 64 KiB.</summary>
    public const int SignatureBytes = 64 * 1024;

    /// <summary>
    /// How many bytes the public keys of a key's versions can have together: 1 MiB, since the row that lists the versions is written
    /// whole. Some 3,500 versions of RSA 2048, or 11,000 of P-256; a destroyed version counts no more.
    /// </summary>
    public const int PublicKeyBytes = 1 << 20;

    /// <summary>How many characters the type of a signed token can have.</summary>
    public const int JwsTypeLength = 64;

    /// <summary>How many versions of keys one set of published keys can have.</summary>
    public const int PublishedKeys = 1000;

    /// <summary>How many items a batch can have.</summary>
    public const int BatchItems = 1000;

    /// <summary>
    /// How many bytes the items of a batch can have together: 4 MiB. The overhead of ciphertexts does not count, so that what was
    /// encrypted in one batch can be decrypted in one.
    /// </summary>
    public const int BatchBytes = 4 << 20;

    /// <summary>How many characters the reference of an item can have.</summary>
    public const int ReferenceLength = 256;

    /// <summary>How many ids one validation can name.</summary>
    public const int ValidatedKeys = 1000;

    /// <summary>How many keys, aliases or events a page of a list can have.</summary>
    public const int PageItems = 1000;

    /// <summary>How many keys, aliases or events a page of a list has by default.</summary>
    public const int DefaultPageItems = 100;

    /// <summary>How many characters a key id or an alias's name can have.</summary>
    public const int IdLength = 128;

    /// <summary>How many characters a principal's name can have.</summary>
    public const int PrincipalLength = 128;

    /// <summary>How many policies a principal can have.</summary>
    public const int PoliciesOfPrincipal = 32;

    /// <summary>How many certificates, and how many JWT identities, a principal can have.</summary>
    public const int PrincipalIdentities = 16;

    /// <summary>How many characters an identity of a principal can have: a subject alternative name, an issuer, a subject.</summary>
    public const int IdentityLength = 512;

    /// <summary>How many tokens a principal can have.</summary>
    public const int PrincipalTokens = 100;

    /// <summary>How many characters a caller's request id can have.</summary>
    public const int RequestIdLength = 128;

    /// <summary>How many characters a description can have.</summary>
    public const int DescriptionLength = 1024;

    /// <summary>How many tags a key can have.</summary>
    public const int Tags = 50;

    /// <summary>How many characters a tag's name can have.</summary>
    public const int TagNameLength = 128;

    /// <summary>How many characters a tag's value can have.</summary>
    public const int TagValueLength = 256;

    /// <summary>How many versions a key can have: the row that lists them is written whole.</summary>
    public const int Versions = 50_000;

    /// <summary>How many bytes the backup of a key can have: 4 MiB. Some 15,000 versions of AES, or 1,300 of RSA 4096.</summary>
    public const int BackupBytes = 4 << 20;

    /// <summary>How many statements a policy can have.</summary>
    public const int PolicyStatements = 100;

    /// <summary>How many bytes a policy can have, as compact JSON: 32 KiB.</summary>
    public const int PolicyBytes = 32 * 1024;

    /// <summary>How many approvals a rule can require.</summary>
    public const int RequiredApprovals = 5;

    /// <summary>How many patterns of approvers a rule can have.</summary>
    public const int ApproverPatterns = 32;

    /// <summary>How many operations of one key can wait for approval.</summary>
    public const int PendingApprovals = 16;

    /// <summary>How many decided approvals a key keeps; the oldest are dropped first.</summary>
    public const int DecidedApprovals = 64;

    /// <summary>The largest number of uses after which a rotation can be planned: where AES-GCM rotates anyway.</summary>
    public const long MaxRotationUses = 1L << 31;

    /// <summary>How many limits a key, a principal or a namespace can have.</summary>
    public const int LimitRules = 8;

    /// <summary>How many namespaces can have limits.</summary>
    public const int LimitedNamespaces = 1000;

    /// <summary>The largest number that a limit can set.</summary>
    public const long MaxLimitCount = 1_000_000_000_000;

    /// <summary>The shortest window of a limit.</summary>
    public static TimeSpan MinLimitWindow { get; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest window of a limit.</summary>
    public static TimeSpan MaxLimitWindow { get; } = TimeSpan.FromDays(31);

    /// <summary>The shortest time between rotations.</summary>
    public static TimeSpan MinRotation { get; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest time between rotations.</summary>
    public static TimeSpan MaxRotation { get; } = TimeSpan.FromDays(3650);

    /// <summary>The maximum lifetime of a token.</summary>
    public static TimeSpan MaxTokenLife { get; } = TimeSpan.FromDays(365);

    /// <summary>The default lifetime of a token.</summary>
    public static TimeSpan DefaultTokenLife { get; } = TimeSpan.FromDays(90);

    /// <summary>The longest wait for a scheduled deletion or destruction.</summary>
    public static TimeSpan MaxDeletionDelay { get; } = TimeSpan.FromDays(365);

    /// <summary>How long a key waits for its deletion by default.</summary>
    public static TimeSpan DefaultDeletionDelay { get; } = TimeSpan.FromDays(30);

    /// <summary>How long a version waits for its destruction by default.</summary>
    public static TimeSpan DefaultDestructionDelay { get; } = TimeSpan.FromDays(7);

    /// <summary>The shortest time for which an operation can wait for approval.</summary>
    public static TimeSpan MinApprovalExpiry { get; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest time for which an operation can wait for approval.</summary>
    public static TimeSpan MaxApprovalExpiry { get; } = TimeSpan.FromDays(365);

    /// <summary>The default time for which an operation waits for approval.</summary>
    public static TimeSpan DefaultApprovalExpiry { get; } = TimeSpan.FromDays(7);

    /// <summary>How long an approval can be read after it was decided.</summary>
    public static TimeSpan DecidedApprovalsKept { get; } = TimeSpan.FromDays(30);

    /// <summary>How long an approved export, or approved import, can be made, if its approval does not expire before.</summary>
    public static TimeSpan GrantLife { get; } = TimeSpan.FromHours(24);

    /// <summary>How long import parameters can be used.</summary>
    public static TimeSpan ImportParametersLife { get; } = TimeSpan.FromHours(24);

    /// <summary>The shortest time that a caller can give a request, or a call of the Orleans client.</summary>
    public static TimeSpan MinRequestTimeout { get; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest time that a caller can give a request, or a call of the Orleans client.</summary>
    public static TimeSpan MaxRequestTimeout { get; } = TimeSpan.FromMinutes(10);
}
