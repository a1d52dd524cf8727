namespace OrleansKms;

/// <summary>Decrypts with the version that the ciphertext names; also the request of a rewrap.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Ciphertext">A ciphertext of this key.</param>
/// <param name="AssociatedData">The associated data it was made with; null and empty are equal.</param>
[GenerateSerializer, Immutable, Alias("okms.Decrypt")]
public sealed record Decrypt(
    [property: Id(0)] Caller Caller,
    [property: Id(1)] byte[] Ciphertext,
    [property: Id(2)] byte[]? AssociatedData = null) : ICallerRequest;
