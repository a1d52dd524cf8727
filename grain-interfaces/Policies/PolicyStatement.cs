namespace OrleansKms;

/// <summary>One rule of a policy: it matches where its actions, its keys and its conditions all do.</summary>
/// <param name="Effect">What it does with what it matches.</param>
/// <param name="Actions">Names of <see cref="KmsOperation"/>, of its groups, or <c>*</c>; at least one.</param>
/// <param name="Keys">Key ids, or prefixes and <c>*</c>; at least one. In a key's own policy it may be empty: that key.</param>
[GenerateSerializer, Immutable, Alias("okms.PolicyStatement")]
public sealed record PolicyStatement(
    [property: Id(0)] PolicyEffect Effect,
    [property: Id(1)] IReadOnlyList<string> Actions,
    [property: Id(2)] IReadOnlyList<string> Keys)
{
    /// <summary>What must hold besides; null for nothing.</summary>
    [Id(3)] public PolicyConditions? When { get; init; }

    /// <summary>In a key's own policy: names of principals, or prefixes and <c>*</c>; null for everyone. Null in any other policy.</summary>
    [Id(4)] public IReadOnlyList<string>? Principals { get; init; }
}
