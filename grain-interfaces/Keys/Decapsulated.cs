namespace OrleansKms;

/// <summary>A secret that was encapsulated.</summary>
/// <param name="KeyVersion">The version that found it.</param>
/// <param name="SharedSecret">The secret.</param>
[GenerateSerializer, Immutable, Alias("okms.Decapsulated")]
public sealed record Decapsulated([property: Id(0)] int KeyVersion, [property: Id(1)] byte[] SharedSecret)
{
    /// <summary>Names the version, never the secret.</summary>
    public override string ToString() => $"{nameof(Decapsulated)} {{ KeyVersion = {KeyVersion} }}";
}
