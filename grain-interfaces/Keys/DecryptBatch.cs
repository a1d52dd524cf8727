namespace OrleansKms;

/// <summary>Many decryptions or rewraps with one key, in one call; each item fails or succeeds by itself.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Items">Up to 1,000 items, 4 MiB together.</param>
[GenerateSerializer, Immutable, Alias("okms.DecryptBatch")]
public sealed record DecryptBatch([property: Id(0)] Caller Caller, [property: Id(1)] DecryptItem[] Items) : ICallerRequest;
