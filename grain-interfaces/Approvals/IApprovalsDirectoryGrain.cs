namespace OrleansKms;

/// <summary>
/// Lists the keys that have approvals; the keys themselves return the approvals. A stateless worker, with the key <see cref="Key"/>. Since
/// feature level 4.
/// </summary>
[Alias("okms.IApprovalsDirectoryGrain"), Orleans.CodeGeneration.Version(1)]
public interface IApprovalsDirectoryGrain : IGrainWithIntegerKey
{
    /// <summary>The grain key of the worker.</summary>
    const long Key = 0;

    /// <summary>One page of key ids.</summary>
    [Alias("ListKeys"), Operation("approvals:list")] Task<DirectoryPage> ListKeys(ApprovalKeysQuery query);
}

/// <summary>Requests a page of the keys that have approvals.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="After">Only ids after this one; null to start at the beginning.</param>
/// <param name="Limit">1 to <see cref="KmsLimits.PageItems"/>.</param>
/// <param name="OnlyPending">Whether to list only keys with pending approvals.</param>
[GenerateSerializer, Immutable, Alias("okms.ApprovalKeysQuery")]
public sealed record ApprovalKeysQuery(
    [property: Id(0)] Caller Caller, [property: Id(1)] string? After, [property: Id(2)] int Limit, [property: Id(3)] bool OnlyPending) : ICallerRequest;
