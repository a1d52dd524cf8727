namespace OrleansKms;

/// <summary>Encrypts under the primary version.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Plaintext">
/// At least 1 byte, up to the operator's limit (<see cref="KmsLimits.DefaultPlaintextBytes"/> by default).
/// </param>
/// <param name="AssociatedData">
/// Authenticated, not encrypted; null for none; at most <see cref="KmsLimits.AssociatedDataBytes"/> bytes.
/// </param>
/// <param name="Kind">
/// The kind that the ciphertext is marked with. Over HTTP, callers can only make <see cref="CiphertextKind.Data"/>.
/// </param>
[GenerateSerializer, Immutable, Alias("okms.Encrypt")]
public sealed record Encrypt(
    [property: Id(0)] Caller Caller,
    [property: Id(1)] byte[] Plaintext,
    [property: Id(2)] byte[]? AssociatedData = null,
    [property: Id(3)] CiphertextKind Kind = CiphertextKind.Data) : ICallerRequest
{
    /// <summary>
    /// One of <see cref="KeyDescription.Algorithms"/>; null for the first. Only for keys that encrypt with a public key. Like
    /// <see cref="Raw"/> since feature level 6: older silos pass over it, so send it by <see cref="IKeyEncryptionGrain"/>, which they lack.
    /// </summary>
    [Id(4)] public string? Algorithm { get; init; }

    /// <summary>Whether the answer is the bare ciphertext, without the header that names key and version. Only for keys that encrypt with a public key.</summary>
    [Id(5)] public bool Raw { get; init; }
}
