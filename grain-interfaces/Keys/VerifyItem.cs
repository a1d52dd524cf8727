namespace OrleansKms;

/// <summary>A signature to verify.</summary>
/// <param name="Input">What was signed, and how.</param>
/// <param name="Signature">The signature; may be anything of at most <see cref="KmsLimits.SignatureBytes"/> bytes.</param>
/// <param name="KeyVersion">
/// The version that must have made it; null to try every enabled version from the minimum version that decrypts on, the newest first.
/// </param>
[GenerateSerializer, Immutable, Alias("okms.VerifyItem")]
public sealed record VerifyItem([property: Id(0)] SignItem Input, [property: Id(1)] byte[] Signature, [property: Id(2)] int? KeyVersion = null);
