namespace OrleansKms;

/// <summary>What is signed, and how.</summary>
/// <param name="Data">
/// The message, up to the operator's limit (<see cref="KmsLimits.DefaultPlaintextBytes"/> by default); it may be empty. Or its digest.
/// </param>
/// <param name="IsDigest">Whether it is the digest under the algorithm's hash, made by the caller.</param>
/// <param name="Algorithm">One of <see cref="KeyDescription.Algorithms"/>; null for the first.</param>
/// <param name="Encoding">The encoding of an ECDSA signature; null for DER. Refused for other algorithms.</param>
/// <param name="Context">
/// Signed with the message by ML-DSA and SLH-DSA, at most <see cref="KmsLimits.ContextBytes"/> bytes; null for none. Refused for other
/// algorithms.
/// </param>
[GenerateSerializer, Immutable, Alias("okms.SignItem")]
public sealed record SignItem(
    [property: Id(0)] byte[] Data,
    [property: Id(1)] bool IsDigest = false,
    [property: Id(2)] string? Algorithm = null,
    [property: Id(3)] SignatureEncoding? Encoding = null,
    [property: Id(4)] byte[]? Context = null);
