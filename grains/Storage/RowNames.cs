namespace OrleansKms.Grains.Storage;

/// <summary>
/// The names of the rows. A row is found by its name and its grain's key, so names must differ between grain kinds: each begins
/// with the type of its grain.
/// </summary>
public static class RowNames
{
    /// <summary>A key: its description, state and newest material.</summary>
    public const string Key = "key";
    /// <summary>A key's counters and the reserved ceiling.</summary>
    public const string KeyUsage = "key.usage";
    /// <summary>That a key has operations which need approval; the approvals themselves lie in <see cref="Key"/>.</summary>
    public const string KeyApprovals = "key.approvals";
    /// <summary>The parameters of a key's imports that were not used yet.</summary>
    public const string KeyImports = "key.imports";
    /// <summary>An alias.</summary>
    public const string Alias = "alias";
    /// <summary>Who may sign in at the gateways of a cluster.</summary>
    public const string Access = "access";

    /// <summary>The one revision of principals and policies, with what changed lately.</summary>
    public const string AccessLedger = "access.ledger";
    /// <summary>A principal with its tokens.</summary>
    public const string Principal = "principal";
    /// <summary>When a principal's tokens were used last.</summary>
    public const string PrincipalUses = "principal.uses";
    /// <summary>A policy.</summary>
    public const string Policy = "policy";
    /// <summary>To whom a credential belongs.</summary>
    public const string Credential = "credential";

    /// <summary>The limits of namespaces.</summary>
    public const string Namespaces = "namespaces";
    /// <summary>How much of a limit was reserved.</summary>
    public const string Limit = "limit";

    /// <summary>An older version's material.</summary>
    /// <param name="version">The key version.</param>
    public static string KeyVersion(int version) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"key.v{version}");

    /// <summary>Events of a key's history.</summary>
    /// <param name="block">The block's number; the first is 1.</param>
    public static string KeyHistory(int block) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"key.h{block}");

    /// <summary>
    /// The type of the grains whose rows have a name: the part before its first dot. Rows are sealed to it; it is not stored
    /// beside them.
    /// </summary>
    /// <param name="rowName">A row name.</param>
    public static string GrainType(string rowName) => rowName.Split('.')[0];
}
