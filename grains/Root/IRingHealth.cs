namespace OrleansKms.Grains.Root;

/// <summary>What is known of the KEKs.</summary>
public interface IRingHealth
{
    /// <summary>
    /// How the tables of KEKs differ from what the root key vouches for; null when they do not. The silo goes on under the KEKs
    /// that it has.
    /// </summary>
    string? Problem { get; }
}
