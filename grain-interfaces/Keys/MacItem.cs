namespace OrleansKms;

/// <summary>A message of which a MAC is made.</summary>
/// <param name="Message">
/// The message, up to the operator's limit (<see cref="KmsLimits.DefaultPlaintextBytes"/> by default); it may be empty.
/// </param>
[GenerateSerializer, Immutable, Alias("okms.MacItem")]
public sealed record MacItem([property: Id(0)] byte[] Message);
