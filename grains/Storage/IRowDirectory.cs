namespace OrleansKms.Grains.Storage;

/// <summary>Lists the rows of one name in the order of their keys' bytes.</summary>
public interface IRowDirectory
{
    /// <summary>One page of grain keys.</summary>
    /// <param name="rowName">The row name, for example <see cref="RowNames.Key"/>.</param>
    /// <param name="prefix">Only keys that begin with it; empty for all.</param>
    /// <param name="after">Only keys after this one, or null.</param>
    /// <param name="limit">How many keys to return at most.</param>
    /// <param name="includeTombstones">Whether rows marked as tombstones are listed.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    /// <exception cref="StorageFailedException">The database did not answer.</exception>
    Task<IReadOnlyList<string>> List(
        string rowName, string prefix, string? after, int limit, bool includeTombstones, CancellationToken cancellationToken);
}
