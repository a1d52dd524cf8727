using Orleans.Concurrency;

namespace OrleansKms;

/// <summary>
/// Policies by name. The same activation as <see cref="IPrincipalsGrain"/>, with the key <see cref="Key"/>, so that the rules between
/// principals and policies hold. Each method may fail with <c>storage_unavailable</c>; those that change something fail with
/// <c>permission_denied</c> unless the request proves that the caller may do it.
/// </summary>
[Alias("okms.IPoliciesGrain"), Orleans.CodeGeneration.Version(1)]
public interface IPoliciesGrain : IGrainWithIntegerKey
{
    /// <summary>The grain key of the one activation.</summary>
    const long Key = IPrincipalsGrain.Key;

    /// <summary>Creates or replaces a policy. Errors: policy_too_large; invalid_parameter; conflict for a built-in one.</summary>
    [Alias("Put"), Operation("policies:put")] Task<Policy> Put(PutPolicy request);

    /// <summary>Reads a policy, including built-in ones. Error: policy_not_found.</summary>
    [Alias("Describe"), Operation("policies:describe"), AlwaysInterleave] Task<Policy> Describe(PolicyCommand request);

    /// <summary>One page of policies, including built-in ones, in the byte order of their names.</summary>
    [Alias("List"), Operation("policies:list"), AlwaysInterleave] Task<PolicyPage> List(ListPolicies request);

    /// <summary>Deletes a policy. Errors: policy_not_found; conflict: a principal has it, or it is built in.</summary>
    [Alias("Delete"), Operation("policies:delete")] Task Delete(PolicyCommand request);

    /// <summary>Explains what policies would decide. Errors: principal_not_found, invalid_parameter, invalid_key_id.</summary>
    [Alias("Simulate"), Operation("policies:simulate"), AlwaysInterleave] Task<SimulatedAccess> Simulate(SimulateAccess request);
}

/// <summary>Creates or replaces a policy.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Name">A name by the rules of <see cref="KeyId"/>.</param>
/// <param name="Statements">
/// Its statements, in the format of <see cref="PolicyText"/>: at most <see cref="KmsLimits.PolicyStatements"/> and
/// <see cref="KmsLimits.PolicyBytes"/>.
/// </param>
/// <param name="Proof">Proves that the caller may do it.</param>
[GenerateSerializer, Immutable, Alias("okms.PutPolicy")]
public sealed record PutPolicy(
    [property: Id(0)] Caller Caller, [property: Id(1)] string Name, [property: Id(2)] byte[] Statements,
    [property: Id(3)] AdministratorProof? Proof = null) : ICallerRequest;

/// <summary>A command that needs only the policy itself.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Name">The policy.</param>
/// <param name="Proof">Proves that the caller may do it; reading needs none.</param>
[GenerateSerializer, Immutable, Alias("okms.PolicyCommand")]
public sealed record PolicyCommand(
    [property: Id(0)] Caller Caller, [property: Id(1)] string Name, [property: Id(2)] AdministratorProof? Proof = null) : ICallerRequest;

/// <summary>Requests a page of policies.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Prefix">Only names that begin with it; empty for all.</param>
/// <param name="After">Only names after this one; null to start at the beginning.</param>
/// <param name="Limit">1 to <see cref="KmsLimits.PageItems"/>.</param>
[GenerateSerializer, Immutable, Alias("okms.ListPolicies")]
public sealed record ListPolicies(
    [property: Id(0)] Caller Caller, [property: Id(1)] string Prefix, [property: Id(2)] string? After, [property: Id(3)] int Limit) : ICallerRequest;

/// <summary>A page of policies.</summary>
/// <param name="Policies">The policies.</param>
/// <param name="HasMore">Whether there is another page.</param>
[GenerateSerializer, Immutable, Alias("okms.PolicyPage")]
public sealed record PolicyPage([property: Id(0)] Policy[] Policies, [property: Id(1)] bool HasMore);
