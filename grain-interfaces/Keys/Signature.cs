namespace OrleansKms;

/// <summary>A signature, and how it was made.</summary>
/// <param name="KeyVersion">The version that signed.</param>
/// <param name="Algorithm">The algorithm.</param>
/// <param name="Value">The signature itself.</param>
[GenerateSerializer, Immutable, Alias("okms.Signature")]
public sealed record Signature([property: Id(0)] int KeyVersion, [property: Id(1)] string Algorithm, [property: Id(2)] byte[] Value);
