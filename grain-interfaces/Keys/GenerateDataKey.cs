namespace OrleansKms;

/// <summary>Generates a data key: random bytes, in the clear and encrypted under this key.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Bytes">Its length, 1 to <see cref="KmsLimits.DataKeyBytes"/> bytes.</param>
/// <param name="WithPlaintext">Whether the answer includes it in the clear.</param>
/// <param name="AssociatedData">Authenticated with the ciphertext; null for none.</param>
[GenerateSerializer, Immutable, Alias("okms.GenerateDataKey")]
public sealed record GenerateDataKey(
    [property: Id(0)] Caller Caller,
    [property: Id(1)] int Bytes,
    [property: Id(2)] bool WithPlaintext,
    [property: Id(3)] byte[]? AssociatedData = null) : ICallerRequest;
