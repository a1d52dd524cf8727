using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace OrleansKms;

/// <summary>The rules of policies. They are checked before a policy is stored, so that readers need not check again.</summary>
internal static class PolicyRules
{
    private static readonly SearchValues<char> _specCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    /// <summary>Refuses an invalid or reserved policy name.</summary>
    /// <exception cref="KmsException">invalid_parameter; conflict for a built-in one.</exception>
    public static void CheckName(string? name)
    {
        if (!KeyId.IsValid(name))
        {
            throw KmsError.InvalidParameter.Exception($"The name of a policy must be {KeyId.Rule}.");
        }
    }

    /// <summary>Refuses to change a built-in policy.</summary>
    /// <exception cref="KmsException">conflict.</exception>
    public static void CheckMayChange(string name)
    {
        if (BuiltInPolicies.All.ContainsKey(name))
        {
            throw KmsError.Conflict.Exception($"The policy '{name}' is built in and cannot be changed.");
        }
    }

    /// <summary>Refuses invalid statements.</summary>
    /// <param name="statements">The statements; anything a message can contain.</param>
    /// <param name="isOfKey">Whether they are a key's own policy, which may name principals and omit keys.</param>
    /// <exception cref="KmsException">policy_too_large, invalid_parameter.</exception>
    public static void Check(IReadOnlyList<PolicyStatement?>? statements, bool isOfKey)
    {
        if (statements is null) throw KmsError.InvalidParameter.Exception("'statements' is missing.");
        if (statements.Count > KmsLimits.PolicyStatements)
        {
            throw KmsError.PolicyTooLarge.Exception($"A policy can have at most {KmsLimits.PolicyStatements} statements.");
        }

        for (var i = 0; i < statements.Count; i++)
        {
            Check(statements[i] ?? throw Refused(i, "is null"), i, isOfKey);
        }

        if (PolicyText.Of(statements!).Length > KmsLimits.PolicyBytes)
        {
            throw KmsError.PolicyTooLarge.Exception($"A policy can have at most {KmsLimits.PolicyBytes} bytes.");
        }
    }

    private static void Check(PolicyStatement statement, int index, bool isOfKey)
    {
        if (statement.Effect is not (PolicyEffect.Allow or PolicyEffect.Deny)) throw Refused(index, "must have the effect allow or deny");
        RequireSome(statement.Actions, index, "actions");
        foreach (var action in statement.Actions)
        {
            if (!PolicyActions.Exists(action ?? "")) throw Refused(index, $"names an action that does not exist{Shown(action)}");
        }

        if (!isOfKey || statement.Keys is null) RequireSome(statement.Keys, index, "keys");
        foreach (var key in statement.Keys)
        {
            if (!IsKeyPattern(key)) throw Refused(index, $"names a key that is neither an id nor a prefix followed by '*'{Shown(key)}");
        }

        CheckPrincipals(statement.Principals, index, isOfKey);
        if (statement.When is { } when) CheckConditions(when, index);
    }

    private static void CheckPrincipals(IReadOnlyList<string>? principals, int index, bool isOfKey)
    {
        if (principals is null) return;
        if (!isOfKey) throw Refused(index, "names principals, which only a key's own policy can");
        RequireSome(principals, index, "principals");
        foreach (var principal in principals)
        {
            if (!IsPrincipalPattern(principal)) throw Refused(index, $"names a principal that is neither a name nor a prefix followed by '*'{Shown(principal)}");
        }
    }

    private static void CheckConditions(PolicyConditions when, int index)
    {
        if (when.Source is { } source)
        {
            RequireSome(source, index, "source");
            foreach (var network in source)
            {
                if (network is null || !NetworkRange.TryParse(network, out _)) throw Refused(index, $"names a network that is not in CIDR notation{Shown(network)}");
            }
        }

        if (when.Specs is { } specs)
        {
            RequireSome(specs, index, "spec");
            foreach (var spec in specs)
            {
                if (spec is not { Length: > 0 and <= KmsLimits.IdLength } || spec.AsSpan().ContainsAnyExcept(_specCharacters)) throw Refused(index, $"names an invalid spec{Shown(spec)}");
            }
        }

        if (when.NotAfter < when.NotBefore) throw Refused(index, "has a 'not_after' before its 'not_before'");
        if (when.AssociatedDataPrefix is { Length: 0 or > KmsLimits.AssociatedDataBytes }) throw Refused(index, $"must have an 'associated_data_prefix' of 1 to {KmsLimits.AssociatedDataBytes} bytes");
        if (when.Protection is not (null or KeyProtection.Software or KeyProtection.Hsm)) throw Refused(index, "names a protection that does not exist");
        if (when.Kind is not (null or CiphertextKind.Data or CiphertextKind.DataKey or CiphertextKind.DataKeyPair)) throw Refused(index, "names a kind that does not exist");
    }

    private static bool IsKeyPattern(string? pattern) =>
        pattern is not null && (pattern.EndsWith('*') ? KeyId.IsValidPrefix(pattern.AsSpan(0, pattern.Length - 1)) : KeyId.IsValid(pattern));

    private static bool IsPrincipalPattern(string? pattern) =>
        pattern is "*" || (pattern is { Length: > 0 } && KmsCaller.IsPrincipal(pattern.EndsWith('*') ? pattern[..^1] : pattern));

    private static void RequireSome([NotNull] IReadOnlyList<string>? texts, int index, string field)
    {
        if (texts is not { Count: > 0 }) throw Refused(index, $"must not have an empty '{field}'");
    }

    private static KmsException Refused(int index, string reason) => KmsError.InvalidParameter.Exception($"Statement {index} {reason}.");

    // A caller's text is quoted only if it cannot be mistaken for anything else.
    private static string Shown(string? text) =>
        text is { Length: > 0 and <= 64 } && !text.AsSpan().ContainsAnyExceptInRange('!', '~') && !text.Contains('\'', StringComparison.Ordinal) ? $": '{text}'" : "";
}
