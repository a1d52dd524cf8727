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
    [property: Id(3)] CiphertextKind Kind = CiphertextKind.Data) : ICallerRequest;
