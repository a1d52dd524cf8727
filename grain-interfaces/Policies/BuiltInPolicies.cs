using System.Collections.Frozen;

namespace OrleansKms;

/// <summary>
/// Policies that always exist and cannot be changed. They separate duties: managers of keys do not use them, users do not manage them, and
/// auditors do neither.
/// </summary>
internal static class BuiltInPolicies
{
    /// <summary>The policy that allows everything.</summary>
    public const string Administrator = "administrator";

    /// <summary>All of them, by name.</summary>
    public static FrozenDictionary<string, Policy> All { get; } = new[]
    {
        Allowing(Administrator, PolicyActions.Everything),
        Allowing("key-manager", PolicyActions.NameOf(KmsOperationGroup.Manage), KmsOperation.ReadHistory.Name, KmsOperation.ReadPublicKey.Name),
        Allowing("key-user", PolicyActions.NameOf(KmsOperationGroup.Use)),
        Allowing("auditor", PolicyActions.NameOf(KmsOperationGroup.Audit)),
    }.ToFrozenDictionary(policy => policy.Name, StringComparer.Ordinal);

    private static Policy Allowing(string name, params string[] actions) => new(name, [new(PolicyEffect.Allow, actions, ["*"])]);
}
