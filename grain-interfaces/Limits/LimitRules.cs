namespace OrleansKms;

/// <summary>Which limits may be set, and which operations each counts: the same for keys, principals and namespaces.</summary>
internal static class LimitRules
{
    /// <summary>The name that counts every operation.</summary>
    public const string Everything = "*";

    /// <summary>Checks the limits of a principal or namespace.</summary>
    /// <exception cref="KmsException">invalid_parameter.</exception>
    public static void Check(IReadOnlyList<LimitRule>? rules)
    {
        if (rules is null)
        {
            return;
        }

        if (rules.Count > KmsLimits.LimitRules)
        {
            throw KmsError.InvalidParameter.Exception($"There can be at most {KmsLimits.LimitRules} limits.");
        }

        for (var i = 0; i < rules.Count; i++)
        {
            Check(rules[i]);
            for (var j = 0; j < i; j++)
            {
                if (rules[i].Of == rules[j].Of && rules[i].Per == rules[j].Per)
                {
                    throw KmsError.InvalidParameter.Exception("Two limits have the same operations and the same window.");
                }
            }
        }
    }

    /// <summary>Checks a key's own limits.</summary>
    /// <exception cref="KmsException">invalid_parameter.</exception>
    public static void CheckOfKey(IReadOnlyList<LimitRule>? rules)
    {
        Check(rules);
        foreach (var rule in rules ?? [])
        {
            if (KmsOperation.All.TryGetValue(rule.Of, out var operation) && !IsLimitedByKey(operation))
            {
                throw KmsError.InvalidParameter.Exception($"A key's own limits cannot count {rule.Of}.");
            }
        }
    }

    /// <summary>Whether a limit counts an operation.</summary>
    /// <param name="of">What the limit counts.</param>
    /// <param name="operation">The operation.</param>
    public static bool Counts(string of, KmsOperation operation) =>
        of == Everything || of == operation.Name || (GroupOf(of) == operation.Group && !OnlyAsks(operation));

    /// <summary>
    /// Whether a key's own limits count an operation. A validation, or reading a public key, does not use the key. Changing and disabling the
    /// key are never limited, so that a limit can always be removed and a key always be stopped.
    /// </summary>
    /// <param name="operation">The operation.</param>
    public static bool IsLimitedByKey(KmsOperation operation) => operation.NamesKey && operation.Group != KmsOperationGroup.Admin
        && operation != KmsOperation.CreateKey && operation != KmsOperation.RestoreKey && operation != KmsOperation.UpdateKey && operation != KmsOperation.DisableKey
        && !OnlyAsks(operation) && operation != KmsOperation.PointAlias
        && operation != KmsOperation.Reencrypt && operation != KmsOperation.RunBatch;

    /// <summary>The refusal of a request that exceeds a limit.</summary>
    /// <param name="whose">The limit's owner.</param>
    /// <param name="rule">The limit.</param>
    /// <param name="wait">How long until a retry can succeed.</param>
    public static KmsException Refusal(string whose, LimitRule rule, TimeSpan wait) => new(
        KmsError.RateLimited.Code,
        $"The limit of {whose}, {rule.Count} of {rule.Of} per {Iso8601Duration.Format(rule.Per)}, is reached.")
    {
        RetryAfter = wait,
    };

    private static bool OnlyAsks(KmsOperation operation) => operation == KmsOperation.ValidateKey || operation == KmsOperation.ReadPublicKey;

    private static void Check(LimitRule? rule)
    {
        if (rule is not { Count: >= 1 and <= KmsLimits.MaxLimitCount })
        {
            throw KmsError.InvalidParameter.Exception($"limits.count must be 1 to {KmsLimits.MaxLimitCount}.");
        }

        if (rule.Per < KmsLimits.MinLimitWindow || rule.Per > KmsLimits.MaxLimitWindow)
        {
            throw KmsError.InvalidParameter.Exception(
                $"limits.per must be {Iso8601Duration.Format(KmsLimits.MinLimitWindow)} to {Iso8601Duration.Format(KmsLimits.MaxLimitWindow)}.");
        }

        if (rule.Of is null || (rule.Of != Everything && GroupOf(rule.Of) is null && !KmsOperation.All.ContainsKey(rule.Of)))
        {
            throw KmsError.InvalidParameter.Exception("limits.of must be an action such as keys:encrypt, a group such as use, or *.");
        }
    }

    private static KmsOperationGroup? GroupOf(string of) => of switch
    {
        "use" => KmsOperationGroup.Use,
        "manage" => KmsOperationGroup.Manage,
        "export" => KmsOperationGroup.Export,
        "audit" => KmsOperationGroup.Audit,
        "admin" => KmsOperationGroup.Admin,
        _ => null,
    };
}
