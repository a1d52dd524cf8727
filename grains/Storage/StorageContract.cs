namespace OrleansKms.Grains.Storage;

/// <summary>Names that grains and storage share.</summary>
public static class StorageNames
{
    /// <summary>The keyed <see cref="global::Orleans.Storage.IGrainStorage"/> that seals rows; the only one that grains use.</summary>
    public const string Sealed = "okms";
}

/// <summary>
/// The names of the rows. A row is found by its name and its grain's key, so names differ between grain kinds: each begins with
/// the type of its grain.
/// </summary>
public static class RowNames
{
    /// <summary>A key: its description, state and newest material.</summary>
    public const string Key = "key";
    /// <summary>A key's counters and the reserved ceiling.</summary>
    public const string KeyUsage = "key.usage";
    /// <summary>An alias.</summary>
    public const string Alias = "alias";
    /// <summary>Who may sign in at the gateways of a cluster.</summary>
    public const string Access = "access";

    /// <summary>An older version's material.</summary>
    /// <param name="version">The key version.</param>
    public static string KeyVersion(int version) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"key.v{version}");

    /// <summary>
    /// The type of the grains that have rows of a name: what stands before its first dot. Rows are sealed to it, and it is not
    /// stored beside them.
    /// </summary>
    /// <param name="rowName">A row name.</param>
    public static string GrainType(string rowName) => rowName.Split('.')[0];
}

/// <summary>
/// A read or write of a row failed, for another reason than a lost race (which is
/// <see cref="global::Orleans.Storage.InconsistentStateException"/>).
/// </summary>
public sealed class StorageFailedException(string message, bool outcomeUnknown, Exception innerException)
    : Exception(message, innerException)
{
    /// <summary>
    /// Whether a write may have happened nevertheless. False only where the database was surely not reached or surely
    /// refused.
    /// </summary>
    public bool OutcomeUnknown { get; } = outcomeUnknown;
}

/// <summary>Lists the rows of one name in the order of their keys' bytes.</summary>
public interface IRowDirectory
{
    /// <summary>One page of grain keys.</summary>
    /// <param name="rowName">The row name, for example <see cref="RowNames.Key"/>.</param>
    /// <param name="prefix">Only keys that begin so; empty for all.</param>
    /// <param name="after">Only keys after this one, or null.</param>
    /// <param name="limit">The most keys to return.</param>
    /// <param name="includeTombstones">Whether rows marked as tombstones are listed.</param>
    /// <param name="cancellationToken">Ends the query.</param>
    /// <exception cref="StorageFailedException">The database did not answer.</exception>
    Task<IReadOnlyList<string>> List(
        string rowName, string prefix, string? after, int limit, bool includeTombstones, CancellationToken cancellationToken);
}

/// <summary>Whether the database answers, as the last probe in the background found it.</summary>
public interface IStorageHealth
{
    /// <summary>Whether the last probe succeeded.</summary>
    bool IsHealthy { get; }
}
