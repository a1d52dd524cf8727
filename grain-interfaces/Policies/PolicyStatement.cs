namespace OrleansKms;

/// <summary>One statement of a policy: it matches if its actions, keys and conditions all match.</summary>
/// <param name="Effect">What it does when it matches.</param>
/// <param name="Actions">Names of <see cref="KmsOperation"/>, of its groups, or <c>*</c>; at least one.</param>
/// <param name="Keys">Key ids, or prefixes followed by <c>*</c>; at least one. Empty in a key's own policy means that key.</param>
[GenerateSerializer, Immutable, Alias("okms.PolicyStatement")]
public sealed record PolicyStatement(
    [property: Id(0)] PolicyEffect Effect,
    [property: Id(1)] IReadOnlyList<string> Actions,
    [property: Id(2)] IReadOnlyList<string> Keys)
{
    /// <summary>Further conditions; null for none.</summary>
    [Id(3)] public PolicyConditions? When { get; init; }

    /// <summary>
    /// In a key's own policy: names of principals, or prefixes followed by <c>*</c>; null for everyone. Null in any other policy.
    /// </summary>
    [Id(4)] public IReadOnlyList<string>? Principals { get; init; }
}
