namespace OrleansKms;

/// <summary>Decrypts with the version that the ciphertext names; also the request of a rewrap.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Ciphertext">A ciphertext of this key.</param>
/// <param name="AssociatedData">The associated data it was made with; null and empty are equal.</param>
[GenerateSerializer, Immutable, Alias("okms.Decrypt")]
public sealed record Decrypt(
    [property: Id(0)] Caller Caller,
    [property: Id(1)] byte[] Ciphertext,
    [property: Id(2)] byte[]? AssociatedData = null) : ICallerRequest
{
    /// <summary>
    /// One of <see cref="KeyDescription.Algorithms"/>; null for the one that the ciphertext names or, of a bare one, for the first. Only for
    /// keys that encrypt with a public key. Like <see cref="Raw"/> and <see cref="KeyVersion"/> it cannot be given to a rewrap, and since
    /// feature level 6: older silos pass over it, so send it by <see cref="IKeyEncryptionGrain"/>, which they lack.
    /// </summary>
    [Id(3)] public string? Algorithm { get; init; }

    /// <summary>Whether the ciphertext is a bare one, without a header; then <see cref="KeyVersion"/> is required. Only for keys that encrypt with a public key.</summary>
    [Id(4)] public bool Raw { get; init; }

    /// <summary>The version that a bare ciphertext was encrypted with; null for any other ciphertext, which names its version itself.</summary>
    [Id(5)] public int? KeyVersion { get; init; }
}
