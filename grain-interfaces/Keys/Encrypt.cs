namespace OrleansKms;

/// <summary>Encrypts under the primary version.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Plaintext">1 byte to the operator's limit (64 KiB).</param>
/// <param name="AssociatedData">Authenticated, not encrypted; null for none; up to 8 KiB.</param>
/// <param name="Kind">What the ciphertext is marked to hold. Services on HTTP can only make <see cref="CiphertextKind.Data"/>.</param>
[GenerateSerializer, Immutable, Alias("okms.Encrypt")]
public sealed record Encrypt(
    [property: Id(0)] Caller Caller,
    [property: Id(1)] byte[] Plaintext,
    [property: Id(2)] byte[]? AssociatedData = null,
    [property: Id(3)] CiphertextKind Kind = CiphertextKind.Data) : ICallerRequest;
