namespace OrleansKms;

/// <summary>
/// Finds an encapsulated secret. A ciphertext that was changed, or made for another key or version, leads to another secret and not to an
/// error (implicit rejection; FIPS 203, 6.3).
/// </summary>
/// <param name="Caller">The caller.</param>
/// <param name="Ciphertext">The encapsulated secret.</param>
/// <param name="KeyVersion">The version that it was made for; null for the primary one.</param>
[GenerateSerializer, Immutable, Alias("okms.Decapsulate")]
public sealed record Decapsulate([property: Id(0)] Caller Caller, [property: Id(1)] byte[] Ciphertext, [property: Id(2)] int? KeyVersion = null) : ICallerRequest;
