namespace OrleansKms;

/// <summary>A command that needs only the key itself.</summary>
/// <param name="Caller">The caller.</param>
[GenerateSerializer, Immutable, Alias("okms.KeyCommand")]
public sealed record KeyCommand([property: Id(0)] Caller Caller) : ICallerRequest;
