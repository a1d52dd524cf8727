using System.Collections.Immutable;

namespace OrleansKms;

/// <summary>
/// What a request asks of the policies of its caller. Gateways judge requests by it, and simulations explain by it, so that they cannot
/// disagree.
/// </summary>
internal static class RequestRights
{
    private static readonly ImmutableArray<KmsOperation> _ofReencryption = [KmsOperation.Decrypt, KmsOperation.Encrypt];

    private static readonly ImmutableArray<KmsOperation> _ofBatches =
    [
        KmsOperation.Encrypt, KmsOperation.Decrypt, KmsOperation.Rewrap, KmsOperation.GenerateDataKey, KmsOperation.Sign, KmsOperation.Verify,
        KmsOperation.GenerateMac, KmsOperation.VerifyMac,
    ];

    private static readonly ImmutableArray<KmsOperation>[] _byItself = [.. KmsOperation.All.Values.OrderBy(row => row.Index).Select(row => ImmutableArray.Create(row))];

    /// <summary>
    /// The operations as which one is decided: itself or, where it is made of others, those. Its own name can still deny it. A re-encryption
    /// needs all of its parts, a batch any.
    /// </summary>
    public static ImmutableArray<KmsOperation> PartsOf(KmsOperation operation) =>
        operation == KmsOperation.Reencrypt ? _ofReencryption : operation == KmsOperation.RunBatch ? _ofBatches : _byItself[operation.Index];

    /// <summary>Whether the operation may be allowed with some key, as far as that can be known without the key.</summary>
    public static bool MayAllowSome(CompiledPolicies policies, KmsOperation operation, in AccessContext context)
    {
        if (policies.DeniesEvery(operation, context)) return false;
        var needsAll = operation == KmsOperation.Reencrypt;
        foreach (var part in PartsOf(operation))
        {
            if (policies.MayAllowSome(part, context) != needsAll) return !needsAll;
        }

        return needsAll;
    }

    /// <summary>The decision on an operation with a key as part of another, which can be denied by its own name.</summary>
    /// <param name="policies">The caller's policies.</param>
    /// <param name="whole">The request's operation, if it is made of others.</param>
    /// <param name="operation">The part, or the operation itself.</param>
    /// <param name="keyId">The key; null if it names none.</param>
    /// <param name="context">What is known.</param>
    public static AccessDecision DecidePart(
        CompiledPolicies policies, KmsOperation? whole, KmsOperation operation, string? keyId, in AccessContext context) =>
        whole is not null && keyId is not null && policies.Denies(whole, keyId, context) ? AccessDecision.Denied : policies.Decide(operation, keyId, context);

    /// <summary>Whether a request of which everything is known is allowed.</summary>
    /// <param name="policies">The caller's policies.</param>
    /// <param name="operation">The operation of its route.</param>
    /// <param name="keyId">The key; null if it names none, or any.</param>
    /// <param name="context">What is known.</param>
    public static bool Allows(CompiledPolicies policies, KmsOperation operation, string? keyId, in AccessContext context)
    {
        if (operation.IsForEveryone) return true;
        if (operation is { NamesKey: false, ListsKeys: false }) return policies.Decide(operation, null, context) == AccessDecision.Allowed;
        if (!MayAllowSome(policies, operation, context)) return false;
        if (keyId is null) return true;
        var needsAll = operation == KmsOperation.Reencrypt;
        foreach (var part in PartsOf(operation))
        {
            var isAllowed = DecidePart(policies, part == operation ? null : operation, part, keyId, context) == AccessDecision.Allowed;
            if (isAllowed != needsAll) return !needsAll;
        }

        return needsAll;
    }

    /// <summary>The statements that decide: those that deny if it is denied, otherwise those that allow.</summary>
    public static IEnumerable<CompiledStatement> Explain(CompiledPolicies policies, KmsOperation operation, string? keyId, AccessContext context, bool isAllowed)
    {
        var key = operation.NamesKey || operation.ListsKeys ? keyId : null;
        return PartsOf(operation).Append(operation).Distinct().SelectMany(part => policies.Explain(part, key, context)).Distinct()
            .Where(statement => statement.Effect == PolicyEffect.Allow == isAllowed);
    }
}
