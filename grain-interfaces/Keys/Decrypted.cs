namespace OrleansKms;

/// <summary>A plaintext, its kind, and the version that had encrypted it.</summary>
/// <param name="KeyVersion">The version.</param>
/// <param name="Kind">What the ciphertext held.</param>
/// <param name="Plaintext">The plaintext.</param>
[GenerateSerializer, Immutable, Alias("okms.Decrypted")]
public sealed record Decrypted(
    [property: Id(0)] int KeyVersion,
    [property: Id(1)] CiphertextKind Kind,
    [property: Id(2)] byte[] Plaintext)
{
    /// <summary>Names the kind and the length, never the plaintext.</summary>
    public override string ToString() => $"Decrypted {{ KeyVersion = {KeyVersion}, Kind = {Kind}, Length = {Plaintext.Length} }}";
}
