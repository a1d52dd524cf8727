namespace OrleansKms;

/// <summary>
/// A key's own policy. The same grain as <see cref="IKeyGrain"/>, with the same grain key. Since feature level 4; below it,
/// <see cref="SetPolicy"/> fails with <c>conflict</c>. It narrows what principals' policies allow: if it has an allow statement, only what
/// that allows passes, and what it denies is refused. It never applies to the built-in administrator.
/// </summary>
/// <remarks>An interface of its own, like <see cref="IKeyRowsGrain"/>, since older silos lack it.</remarks>
[Alias("okms.IKeyPolicyGrain"), Orleans.CodeGeneration.Version(1)]
public interface IKeyPolicyGrain : IGrainWithStringKey
{
    /// <summary>The key's immutable facts that policies look at.</summary>
    [Alias("ReadFacts"), Operation("service:key-facts")] Task<KeyFacts> ReadFacts(KeyCommand request);

    /// <summary>Sets the key's policy, replacing any earlier one. Errors: policy_too_large, invalid_parameter, key_destroyed.</summary>
    [Alias("SetPolicy"), Operation("keys:set-policy")] Task<Policy> SetPolicy(SetKeyPolicy request);

    /// <summary>The key's policy, named by the key's id. Error: policy_not_found.</summary>
    [Alias("DescribePolicy"), Operation("keys:describe-policy")] Task<Policy> DescribePolicy(KeyCommand request);

    /// <summary>The key's decision on a simulated call.</summary>
    [Alias("Simulate"), Operation("policies:simulate")] Task<KeyAccess> Simulate(SimulateAccess request);

    /// <summary>Removes the key's policy. Errors: policy_not_found, key_destroyed.</summary>
    [Alias("RemovePolicy"), Operation("keys:remove-policy")] Task RemovePolicy(KeyCommand request);
}

/// <summary>Sets a key's own policy.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Statements">
/// The policy, in the format of <see cref="PolicyText"/>. A statement may name principals, and may omit keys.
/// </param>
[GenerateSerializer, Immutable, Alias("okms.SetKeyPolicy")]
public sealed record SetKeyPolicy([property: Id(0)] Caller Caller, [property: Id(1)] byte[] Statements) : ICallerRequest;
