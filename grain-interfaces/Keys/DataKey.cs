namespace OrleansKms;

/// <summary>A data key.</summary>
/// <param name="KeyVersion">The version that encrypted it.</param>
/// <param name="Plaintext">The data key in the clear, or null when it was not requested.</param>
/// <param name="Ciphertext">The encrypted data key; decrypting it returns the kind <see cref="CiphertextKind.DataKey"/>.</param>
[GenerateSerializer, Immutable, Alias("okms.DataKey")]
public sealed record DataKey(
    [property: Id(0)] int KeyVersion,
    [property: Id(1)] byte[]? Plaintext,
    [property: Id(2)] byte[] Ciphertext)
{
    /// <summary>Names the version, never the data key.</summary>
    public override string ToString() => $"DataKey {{ KeyVersion = {KeyVersion} }}";
}
