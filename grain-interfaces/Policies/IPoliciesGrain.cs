using Orleans.Concurrency;

namespace OrleansKms;

/// <summary>
/// Policies by name. The same activation as <see cref="IPrincipalsGrain"/>, called by the key <see cref="Key"/>, so that the rules
/// between principals and policies hold. Each method may answer <c>storage_unavailable</c>; each that changes something
/// <c>permission_denied</c> unless the request proves that the caller may do it.
/// </summary>
[Alias("okms.IPoliciesGrain"), Orleans.CodeGeneration.Version(1)]
public interface IPoliciesGrain : IGrainWithIntegerKey
{
    /// <summary>The key of the one activation.</summary>
    const long Key = IPrincipalsGrain.Key;

    /// <summary>Creates a policy, or replaces it. Errors: policy_too_large; invalid_parameter; conflict for one that is built in.</summary>
    [Alias("Put"), Operation("policies:put")] Task<Policy> Put(PutPolicy request);

    /// <summary>Reads a policy, a built-in one too. Error: policy_not_found.</summary>
    [Alias("Describe"), Operation("policies:describe"), AlwaysInterleave] Task<Policy> Describe(PolicyCommand request);

    /// <summary>One page of policies, the built-in ones among them, in the order of the bytes of their names.</summary>
    [Alias("List"), Operation("policies:list"), AlwaysInterleave] Task<PolicyPage> List(ListPolicies request);

    /// <summary>Deletes a policy. Errors: policy_not_found; conflict: a principal has it, or it is built in.</summary>
    [Alias("Delete"), Operation("policies:delete")] Task Delete(PolicyCommand request);

    /// <summary>Explains what policies would decide. Errors: principal_not_found, invalid_parameter, invalid_key_id.</summary>
    [Alias("Simulate"), Operation("policies:simulate"), AlwaysInterleave] Task<SimulatedAccess> Simulate(SimulateAccess request);
}

/// <summary>Creates or replaces a policy.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Name">1 to 128 of <c>A-Z a-z 0-9 . _ -</c>, as a key id.</param>
/// <param name="Statements">Its statements, as <see cref="PolicyText"/> writes them: at most <see cref="KmsLimits.PolicyStatements"/> and <see cref="KmsLimits.PolicyBytes"/>.</param>
/// <param name="Proof">Shows that the caller may do it.</param>
[GenerateSerializer, Immutable, Alias("okms.PutPolicy")]
public sealed record PutPolicy(
    [property: Id(0)] Caller Caller, [property: Id(1)] string Name, [property: Id(2)] byte[] Statements,
    [property: Id(3)] AdministratorProof? Proof = null) : ICallerRequest;

/// <summary>A command about one policy without further fields.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Name">The policy.</param>
/// <param name="Proof">Shows that the caller may do it; reading needs none.</param>
[GenerateSerializer, Immutable, Alias("okms.PolicyCommand")]
public sealed record PolicyCommand(
    [property: Id(0)] Caller Caller, [property: Id(1)] string Name, [property: Id(2)] AdministratorProof? Proof = null) : ICallerRequest;

/// <summary>Asks for a page of policies.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Prefix">Only names that begin so; empty for all.</param>
/// <param name="After">Only names after this one; null to begin at the start.</param>
/// <param name="Limit">1 to 1,000.</param>
[GenerateSerializer, Immutable, Alias("okms.ListPolicies")]
public sealed record ListPolicies(
    [property: Id(0)] Caller Caller, [property: Id(1)] string Prefix, [property: Id(2)] string? After, [property: Id(3)] int Limit) : ICallerRequest;

/// <summary>A page of policies.</summary>
/// <param name="Policies">The policies.</param>
/// <param name="HasMore">Whether a further page would have something.</param>
[GenerateSerializer, Immutable, Alias("okms.PolicyPage")]
public sealed record PolicyPage([property: Id(0)] Policy[] Policies, [property: Id(1)] bool HasMore);
