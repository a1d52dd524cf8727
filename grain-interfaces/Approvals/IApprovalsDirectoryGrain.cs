namespace OrleansKms;

/// <summary>
/// Lists the keys that have approvals; the approvals themselves are told by their keys. A stateless worker, called by the key
/// <see cref="Key"/>; since feature level 4.
/// </summary>
[Alias("okms.IApprovalsDirectoryGrain"), Orleans.CodeGeneration.Version(1)]
public interface IApprovalsDirectoryGrain : IGrainWithIntegerKey
{
    /// <summary>The key by which the worker is called.</summary>
    const long Key = 0;

    /// <summary>One page of key ids.</summary>
    [Alias("ListKeys"), Operation("approvals:list")] Task<DirectoryPage> ListKeys(ApprovalKeysQuery query);
}

/// <summary>Asks for one page of the keys that have approvals.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="After">Only ids after this one, or null to begin at the start.</param>
/// <param name="Limit">1 to 1,000.</param>
/// <param name="OnlyPending">Whether only keys are listed that have some that wait.</param>
[GenerateSerializer, Immutable, Alias("okms.ApprovalKeysQuery")]
public sealed record ApprovalKeysQuery(
    [property: Id(0)] Caller Caller, [property: Id(1)] string? After, [property: Id(2)] int Limit, [property: Id(3)] bool OnlyPending) : ICallerRequest;
