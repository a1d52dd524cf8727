namespace OrleansKms;

/// <summary>
/// References to grains of one interface. <see cref="IGrainFactory"/> finds an interface's Orleans type by reflection at each
/// call, which costs more than the rest of a reference; this class looks it up once. The result never changes: rows are stored
/// under the name of their grain type, so an interface never moves to another.
/// </summary>
/// <typeparam name="TGrain">The interface.</typeparam>
/// <param name="factory">The source of references; of one cluster.</param>
public sealed class GrainReferences<TGrain>(IGrainFactory factory)
    where TGrain : class, IGrain
{
    private volatile Kind? _kind;

    /// <summary>What Orleans knows an interface by.</summary>
    private sealed record Kind(GrainType Grain, GrainInterfaceType Interface);

    internal IGrainFactory Factory { get; } = factory;

    /// <summary>The grain with a key, or null while the interface's type is unknown.</summary>
    internal TGrain? Known(IdSpan key) =>
        _kind is { } kind ? (TGrain)Factory.GetGrain(GrainId.Create(kind.Grain, key), kind.Interface) : null;

    /// <summary>Remembers what the factory found for a reference.</summary>
    internal TGrain Learn(TGrain grain)
    {
        if (grain is GrainReference reference)
        {
            _kind = new(reference.GrainId.Type, reference.InterfaceType);
        }

        return grain;
    }
}

/// <summary>Gets references by the kinds of keys that grains have.</summary>
public static class GrainReferenceKeys
{
    /// <summary>The grain with a key, as <see cref="IGrainFactory"/> finds it.</summary>
    /// <typeparam name="TGrain">The interface.</typeparam>
    /// <param name="references">References to grains of that interface.</param>
    /// <param name="key">The key.</param>
    /// <exception cref="ArgumentException">The key is empty, or no known silo has such grains.</exception>
    public static TGrain Of<TGrain>(this GrainReferences<TGrain> references, string key)
        where TGrain : class, IGrainWithStringKey
    {
        ArgumentNullException.ThrowIfNull(references);
        ArgumentException.ThrowIfNullOrWhiteSpace(key);
        return references.Known(IdSpan.Create(key)) ?? references.Learn(references.Factory.GetGrain<TGrain>(key));
    }

    /// <inheritdoc cref="Of{TGrain}(GrainReferences{TGrain}, string)"/>
    public static TGrain Of<TGrain>(this GrainReferences<TGrain> references, long key)
        where TGrain : class, IGrainWithIntegerKey
    {
        ArgumentNullException.ThrowIfNull(references);
        return references.Known(GrainIdKeyExtensions.CreateIntegerKey(key)) ?? references.Learn(references.Factory.GetGrain<TGrain>(key));
    }
}
