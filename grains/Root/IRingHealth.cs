namespace OrleansKms.Grains.Root;

/// <summary>The health of the KEK ring.</summary>
public interface IRingHealth
{
    /// <summary>
    /// How the KEK tables differ from what the root key vouches for; null when they agree. The silo continues with the KEKs that
    /// it has.
    /// </summary>
    string? Problem { get; }
}
