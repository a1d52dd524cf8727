namespace OrleansKms.Configuration;

/// <content>What silos are told about keys and the HSM.</content>
internal static partial class SettingTable
{
    public static TextSetting HsmAddress { get; } = new("HSM_ADDRESS", Pkcs11Uri)
    {
        DefaultInWords = "none: a root key in a file, and no keys of protection `hsm`",
        Taker = SettingTaker.Silo,
        Meaning = "the HSM with the root key",
    };

    public static TextSetting HsmPin { get; } = new("OKMS_HSM_PIN", "text")
    {
        Taker = SettingTaker.Silo,
        Meaning = "the PIN of the token's user, when the URI has neither `pin-source` nor `pin-value`",
    };

    public static TextSetting OtherHsmAddress { get; } = new("OKMS_OTHER_HSM_ADDRESS", Pkcs11Uri)
    {
        Taker = SettingTaker.Silo,
        Meaning = "an HSM with another root key, for the command `root`",
    };

    public static TextSetting OtherHsmPin { get; } = new("OKMS_OTHER_HSM_PIN", "text")
    {
        Taker = SettingTaker.Silo,
        Meaning = "the PIN for it, as `OKMS_HSM_PIN`",
    };

    public static TextSetting OtherRootKeyFile { get; } = new("OKMS_OTHER_ROOT_KEY_FILE", FilePath)
    {
        Taker = SettingTaker.Silo,
        Meaning = "the file of another root key, instead of `OKMS_OTHER_HSM_ADDRESS`",
    };

    public static SwitchSetting HsmCreateRoot { get; } = new("OKMS_HSM_CREATE_ROOT")
    {
        Default = false,
        Taker = SettingTaker.Silo,
        Part = SettingPart.Hsm,
        Meaning = "whether a start with an empty database may generate the root key in the HSM",
    };

    public static NumberSetting HsmSessions { get; } = new("OKMS_HSM_SESSIONS")
    {
        Default = 4,
        Min = 1,
        Max = 64,
        Taker = SettingTaker.Silo,
        Part = SettingPart.Hsm,
        Meaning = "how many calls, and items of a batch, a silo sends to the HSM in parallel",
    };

    public static DurationSetting HsmTimeout { get; } = new("OKMS_HSM_TIMEOUT")
    {
        Default = TimeSpan.FromSeconds(2),
        Min = TimeSpan.FromMilliseconds(100),
        Max = TimeSpan.FromSeconds(30),
        Taker = SettingTaker.Silo,
        Part = SettingPart.Hsm,
        Meaning = "how long a caller waits for the HSM before `hsm_unavailable`",
    };

    public static DurationSetting MinDeletionDelay { get; } = new("OKMS_MIN_DELETION_DELAY")
    {
        Default = TimeSpan.FromHours(24),
        Min = TimeSpan.Zero,
        Max = KmsLimits.MaxDeletionDelay,
        Taker = SettingTaker.Silo,
        Meaning = "the minimum time between scheduling the deletion of a key, or the destruction of a version, and its erasure",
    };

    public static DurationSetting KeyIdleTime { get; } = new("OKMS_KEY_IDLE_TIME")
    {
        // Orleans looks for idle activations once a minute, so a shorter time could not be honoured.
        Default = TimeSpan.FromMinutes(15),
        Min = TimeSpan.FromMinutes(2),
        Max = TimeSpan.FromDays(7),
        Taker = SettingTaker.Silo,
        Meaning = "how long an unused key stays in memory",
    };

    public static NumberSetting ResealRate { get; } = new("OKMS_RESEAL_RATE")
    {
        Default = 500,
        Min = 1,
        Max = 100_000,
        Taker = SettingTaker.Silo,
        Meaning = "how many rows a second are resealed after a rotation of the KEK, across the cluster",
    };

    public static ChoiceSetting Audit { get; } = new("OKMS_AUDIT", "blocking", "async", "off")
    {
        Default = "blocking",
        Taker = SettingTaker.Silo,
        Meaning = "whether an operation is answered after its record was written, before, or without one",
    };

    public static TextSetting AuditDirectory { get; } = new("OKMS_AUDIT_DIR", FilePath)
    {
        DefaultInWords = "`audit` in the data directory",
        Taker = SettingTaker.Silo,
        Meaning = "the directory (mode 0700) of the silo's own audit logs",
    };

    public static SwitchSetting AuditSync { get; } = new("OKMS_AUDIT_SYNC")
    {
        Default = false,
        Taker = SettingTaker.Silo,
        Meaning = "whether a record counts as written only once it is on disk",
    };

    public static TextSetting AuditWitness { get; } = new("OKMS_AUDIT_WITNESS", "an address and a key, separated by a space")
    {
        Taker = SettingTaker.Silo,
        Meaning = "the witness that cosigns the checkpoints of the silo's logs",
    };

    public static NumberSetting AuditCopyRate { get; } = new("OKMS_AUDIT_COPY_RATE")
    {
        Default = 2000,
        Min = 0,
        Max = 1_000_000,
        Taker = SettingTaker.Silo,
        Meaning = "how many records a second a silo copies to the database for search; 0 for none",
    };

    public static DurationSetting AuditCopyRetention { get; } = new("OKMS_AUDIT_COPY_RETENTION")
    {
        Default = TimeSpan.FromDays(90),
        Min = TimeSpan.FromHours(1),
        Max = TimeSpan.FromDays(3650),
        Taker = SettingTaker.Silo,
        Meaning = "how long the copied records stay in the database",
    };
}
