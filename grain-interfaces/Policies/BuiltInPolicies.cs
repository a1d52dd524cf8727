using System.Collections.Frozen;

namespace OrleansKms;

/// <summary>
/// Policies that are always there and cannot be changed. They part the duties: who manages keys does not use them, who uses them does
/// not manage them, and who reads the audit trail does neither.
/// </summary>
internal static class BuiltInPolicies
{
    /// <summary>The policy that allows everything.</summary>
    public const string Administrator = "administrator";

    /// <summary>Every one of them, by its name.</summary>
    public static FrozenDictionary<string, Policy> All { get; } = new[]
    {
        Allowing(Administrator, PolicyActions.Everything),
        Allowing("key-manager", PolicyActions.NameOf(KmsOperationGroup.Manage), KmsOperation.ReadHistory.Name, KmsOperation.ReadPublicKey.Name),
        Allowing("key-user", PolicyActions.NameOf(KmsOperationGroup.Use)),
        Allowing("auditor", PolicyActions.NameOf(KmsOperationGroup.Audit)),
    }.ToFrozenDictionary(policy => policy.Name, StringComparer.Ordinal);

    private static Policy Allowing(string name, params string[] actions) => new(name, [new(PolicyEffect.Allow, actions, ["*"])]);
}
