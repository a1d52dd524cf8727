namespace OrleansKms;

/// <summary>Whether a key can be used now.</summary>
/// <param name="Valid">
/// Whether the key exists, is enabled, its primary version is enabled and opens, and the HSM answers if it holds the key.
/// </param>
/// <param name="State">The key's state, or null when it does not exist or does not open.</param>
/// <param name="Error">Why it is not valid: a code of <see cref="KmsError.All"/>, or null.</param>
[GenerateSerializer, Immutable, Alias("okms.KeyValidation")]
public sealed record KeyValidation([property: Id(0)] bool Valid, [property: Id(1)] KeyState? State, [property: Id(2)] string? Error);
