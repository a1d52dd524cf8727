namespace OrleansKms;

/// <summary>A policy with its name.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Statements">Its rules. What none of them allows is refused, and what one of them denies as well.</param>
[GenerateSerializer, Immutable, Alias("okms.Policy")]
public sealed record Policy([property: Id(0)] string Name, [property: Id(1)] IReadOnlyList<PolicyStatement> Statements);
