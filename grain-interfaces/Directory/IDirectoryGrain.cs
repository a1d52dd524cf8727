namespace OrleansKms;

/// <summary>
/// Lists what is stored, in the order of the ids' bytes. A stateless worker, with the key <see cref="Key"/>, so that a gateway
/// needs no access to the storage tables.
/// </summary>
[Alias("okms.IDirectoryGrain")]
public interface IDirectoryGrain : IGrainWithIntegerKey
{
    /// <summary>The grain key of the worker.</summary>
    const long Key = 0;

    /// <summary>One page of key ids.</summary>
    [Alias("ListKeys"), Operation("keys:list")] Task<DirectoryPage> ListKeys(DirectoryQuery query);

    /// <summary>One page of alias names.</summary>
    [Alias("ListAliases"), Operation("aliases:list")] Task<DirectoryPage> ListAliases(DirectoryQuery query);
}

/// <summary>Requests one page.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Prefix">Only ids that begin with it; empty for all.</param>
/// <param name="After">Only ids after this one; null to start at the beginning.</param>
/// <param name="Limit">1 to <see cref="KmsLimits.PageItems"/>.</param>
/// <param name="IncludeDestroyed">Whether tombstones are listed too.</param>
[GenerateSerializer, Immutable, Alias("okms.DirectoryQuery")]
public sealed record DirectoryQuery(
    [property: Id(0)] Caller Caller,
    [property: Id(1)] string Prefix,
    [property: Id(2)] string? After,
    [property: Id(3)] int Limit,
    [property: Id(4)] bool IncludeDestroyed) : ICallerRequest;

/// <summary>One page.</summary>
/// <param name="Ids">The ids, in the order of their bytes.</param>
/// <param name="HasMore">Whether there is another page.</param>
[GenerateSerializer, Immutable, Alias("okms.DirectoryPage")]
public sealed record DirectoryPage([property: Id(0)] string[] Ids, [property: Id(1)] bool HasMore);
