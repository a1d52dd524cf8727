namespace OrleansKms;

/// <summary>A MAC to verify.</summary>
/// <param name="Message">The message, up to the operator's limit; it may be empty.</param>
/// <param name="Mac">The whole MAC: one of another length is refused, since a truncated one is easier to guess.</param>
/// <param name="KeyVersion">
/// The version that must have made it; null to try every enabled version from the minimum version that decrypts on, the newest first.
/// </param>
[GenerateSerializer, Immutable, Alias("okms.VerifyMacItem")]
public sealed record VerifyMacItem(
    [property: Id(0)] byte[] Message, [property: Id(1)] byte[] Mac, [property: Id(2)] int? KeyVersion = null);
