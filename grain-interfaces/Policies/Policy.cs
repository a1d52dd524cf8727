namespace OrleansKms;

/// <summary>A policy with its name.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Statements">Its statements. Anything that none of them allows, or that one denies, is refused.</param>
[GenerateSerializer, Immutable, Alias("okms.Policy")]
public sealed record Policy([property: Id(0)] string Name, [property: Id(1)] IReadOnlyList<PolicyStatement> Statements);
