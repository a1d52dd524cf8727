using OrleansKms.Grains.Keys.Operations;

namespace OrleansKms.Grains.Keys;

// The key's own policy; since feature level 4.
public sealed partial class KeyGrain : IKeyPolicyGrain
{
    /// <inheritdoc/>
    public Task<KeyFacts> ReadFacts(KeyCommand request) => KeyPolicies.ReadFacts(_key);

    /// <inheritdoc/>
    public Task<Policy> SetPolicy(SetKeyPolicy request) => KeyPolicies.Set(_key, request);

    /// <inheritdoc/>
    public Task<Policy> DescribePolicy(KeyCommand request) => KeyPolicies.Describe(_key, request);

    /// <inheritdoc/>
    public Task<KeyAccess> Simulate(SimulateAccess request) => KeyPolicies.Simulate(_key, request);

    /// <inheritdoc/>
    public Task RemovePolicy(KeyCommand request) => KeyPolicies.Remove(_key, request);
}
