namespace OrleansKms;

/// <summary>A command to one version of a key.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Version">1 or more.</param>
[GenerateSerializer, Immutable, Alias("okms.KeyVersionCommand")]
public sealed record KeyVersionCommand([property: Id(0)] Caller Caller, [property: Id(1)] int Version) : ICallerRequest;
