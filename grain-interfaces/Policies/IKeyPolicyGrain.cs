namespace OrleansKms;

/// <summary>
/// A key's own policy. It is the same grain as <see cref="IKeyGrain"/>, called by the same key; since feature level 4, below which
/// <see cref="SetPolicy"/> is <c>conflict</c>. A key's own policy narrows what policies of principals allow: with an allowing statement
/// only what it allows passes, and what it denies is refused. It never binds the built-in administrator.
/// </summary>
/// <remarks>An interface of its own, as <see cref="IKeyRowsGrain"/> is, since older silos lack it.</remarks>
[Alias("okms.IKeyPolicyGrain"), Orleans.CodeGeneration.Version(1)]
public interface IKeyPolicyGrain : IGrainWithStringKey
{
    /// <summary>What policies look at of the key and what never changes.</summary>
    [Alias("ReadFacts"), Operation("service:key-facts")] Task<KeyFacts> ReadFacts(KeyCommand request);

    /// <summary>Gives the key a policy in place of the one it has. Errors: policy_too_large, invalid_parameter, key_destroyed.</summary>
    [Alias("SetPolicy"), Operation("keys:set-policy")] Task<Policy> SetPolicy(SetKeyPolicy request);

    /// <summary>The key's policy, under the key's id as its name. Error: policy_not_found.</summary>
    [Alias("DescribePolicy"), Operation("keys:describe-policy")] Task<Policy> DescribePolicy(KeyCommand request);

    /// <summary>What the key says to a simulated call.</summary>
    [Alias("Simulate"), Operation("policies:simulate")] Task<KeyAccess> Simulate(SimulateAccess request);

    /// <summary>Takes the key's policy away. Errors: policy_not_found, key_destroyed.</summary>
    [Alias("RemovePolicy"), Operation("keys:remove-policy")] Task RemovePolicy(KeyCommand request);
}

/// <summary>Gives a key a policy of its own.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Statements">
/// The policy, as <see cref="PolicyText"/> writes it. A statement may name principals, and need name no key.
/// </param>
[GenerateSerializer, Immutable, Alias("okms.SetKeyPolicy")]
public sealed record SetKeyPolicy([property: Id(0)] Caller Caller, [property: Id(1)] byte[] Statements) : ICallerRequest;
