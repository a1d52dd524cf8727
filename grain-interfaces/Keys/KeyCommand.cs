namespace OrleansKms;

/// <summary>A command that needs no arguments beyond the key itself.</summary>
/// <param name="Caller">Who asks.</param>
[GenerateSerializer, Immutable, Alias("okms.KeyCommand")]
public sealed record KeyCommand([property: Id(0)] Caller Caller) : ICallerRequest;
