namespace OrleansKms;

/// <summary>Generates a data key pair: a key pair whose private key is encrypted under this key.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Spec">The spec of the pair: one of RSA, of an elliptic curve, of Ed25519 or X25519.</param>
/// <param name="WithPlaintext">Whether the answer includes the private key in the clear.</param>
/// <param name="AssociatedData">Authenticated with the ciphertext; null for none.</param>
[GenerateSerializer, Immutable, Alias("okms.GenerateDataKeyPair")]
public sealed record GenerateDataKeyPair(
    [property: Id(0)] Caller Caller,
    [property: Id(1)] string Spec,
    [property: Id(2)] bool WithPlaintext,
    [property: Id(3)] byte[]? AssociatedData = null) : ICallerRequest
{
    /// <summary>How long the caller waits; null for the default time-out of a request. A pair that takes long (RSA) is not made after that: the error is then <c>timeout</c>.</summary>
    [Id(4)] public TimeSpan? Within { get; init; }
}
