namespace OrleansKms;

/// <summary>Whether a signature or MAC is one of the key.</summary>
/// <param name="IsValid">Whether it is.</param>
/// <param name="KeyVersion">The version that made it; null where it is not valid.</param>
[GenerateSerializer, Immutable, Alias("okms.Verified")]
public sealed record Verified([property: Id(0)] bool IsValid, [property: Id(1)] int? KeyVersion);
