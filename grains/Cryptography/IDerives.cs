namespace OrleansKms.Grains.Cryptography;

/// <summary>A version from whose material keys are derived.</summary>
public interface IDerives : IKeyVersion
{
    /// <summary>Derives a key: the same from the same arguments.</summary>
    /// <param name="context">What the key is for.</param>
    /// <param name="salt">The salt; may be empty.</param>
    /// <param name="derived">Receives the key; at most 8,160 bytes.</param>
    void Derive(ReadOnlySpan<byte> context, ReadOnlySpan<byte> salt, Span<byte> derived);
}
