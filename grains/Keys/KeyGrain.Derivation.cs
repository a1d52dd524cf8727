using OrleansKms.Grains.Keys.Operations;

namespace OrleansKms.Grains.Keys;

// Derivation and agreement; since feature level 5.
public sealed partial class KeyGrain : IKeyDerivationGrain
{
    /// <inheritdoc/>
    public ValueTask<Derived> Derive(Derive request) => Derivation.Run(_key, request);
}
