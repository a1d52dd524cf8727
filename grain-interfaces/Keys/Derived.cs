namespace OrleansKms;

/// <summary>A derived key, or a shared secret.</summary>
/// <param name="KeyVersion">The version that it was derived from.</param>
/// <param name="Key">The key.</param>
[GenerateSerializer, Immutable, Alias("okms.Derived")]
public sealed record Derived([property: Id(0)] int KeyVersion, [property: Id(1)] byte[] Key)
{
    /// <summary>Names the version, never the key.</summary>
    public override string ToString() => $"Derived {{ KeyVersion = {KeyVersion} }}";
}
