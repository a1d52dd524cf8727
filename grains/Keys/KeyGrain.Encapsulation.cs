using OrleansKms.Grains.Keys.Operations;

namespace OrleansKms.Grains.Keys;

// Key encapsulation; since feature level 6.
public sealed partial class KeyGrain : IKeyEncapsulationGrain
{
    /// <inheritdoc/>
    public ValueTask<Encapsulated> Encapsulate(Encapsulate request) => Encapsulation.Run(_key, request);

    /// <inheritdoc/>
    public ValueTask<Decapsulated> Decapsulate(Decapsulate request) => Decapsulation.Run(_key, request);
}
