namespace OrleansKms;

/// <summary>A MAC and the version that made it.</summary>
/// <param name="KeyVersion">The version.</param>
/// <param name="Mac">The MAC, as long as the key's hash.</param>
[GenerateSerializer, Immutable, Alias("okms.GeneratedMac")]
public sealed record GeneratedMac([property: Id(0)] int KeyVersion, [property: Id(1)] byte[] Mac);
