using OrleansKms.Grains.Keys;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Access;

/// <summary>The operations on policies. The caller has been checked already.</summary>
internal sealed class Policies(
    PolicyRows rows, PrincipalRows principals, AccessLedger ledger, AccessFacts facts, IGrainFactory grains, TimeProvider time, ChangeLines changes)
{
    public async Task<Policy> Put(PutPolicy request)
    {
        PolicyRules.CheckName(request.Name);
        PolicyRules.CheckMayChange(request.Name);
        var statements = PolicyText.Read(request.Statements, isOfKey: false);
        var slot = await rows.Open(request.Name);
        changes.RequireRoom();
        await ledger.Change(PolicyRow.LedgerName(request.Name), () => slot.Write(new()
        {
            Incarnation = slot.Row?.Incarnation ?? Incarnation.New(),
            Statements = statements,
            UpdatedAt = time.GetUtcNow(),
            Stamp = ledger.Stamp,
        }));
        await changes.AccessChanged(PolicyRow.LedgerName(request.Name), KmsOperation.PutPolicy, request.Caller);
        return new(request.Name, statements);
    }

    public async Task<Policy> Describe(string name) => await rows.Read(name) ?? throw KmsError.PolicyNotFound.Exception();

    public Task<PolicyPage> List(ListPolicies request) =>
        request.Limit is < 1 or > KmsLimits.PageItems || !KeyId.IsValidPrefix(request.Prefix) || (request.After is not null && !KeyId.IsValid(request.After))
            ? throw KmsError.InvalidParameter.Exception()
            : rows.List(request.Prefix, request.After, request.Limit);

    public async Task Delete(PolicyCommand request)
    {
        if (!KeyId.IsValid(request.Name)) throw KmsError.PolicyNotFound.Exception();
        PolicyRules.CheckMayChange(request.Name);
        var slot = await rows.Open(request.Name);
        if (slot.Row is not { Removed: false } row) throw KmsError.PolicyNotFound.Exception();
        if (await principals.FindHolderOf(request.Name) is { } holder)
        {
            throw KmsError.Conflict.Exception($"The principal '{holder}' has this policy; remove it from the principal first.");
        }

        changes.RequireRoom();
        await ledger.Change(PolicyRow.LedgerName(request.Name), () => slot.Write(new()
        {
            Incarnation = row.Incarnation,
            UpdatedAt = time.GetUtcNow(),
            Stamp = ledger.Stamp,
            Removed = true,
        }));
        await changes.AccessChanged(PolicyRow.LedgerName(request.Name), KmsOperation.DeletePolicy, request.Caller);
    }

    public async Task<SimulatedAccess> Simulate(SimulateAccess request)
    {
        if (!KmsOperation.All.TryGetValue(request.Action ?? "", out var operation))
        {
            throw KmsError.InvalidParameter.Exception("'action' must be the name of one operation.");
        }

        if (request.KeyId is { } id && !KeyId.IsValid(id)) throw KmsError.InvalidKeyId.Exception();
        if (await PoliciesOf(request.Principal) is not { } policies) return new(false, []);
        var key = request.KeyId is null || !(operation.NamesKey || operation.ListsKeys) ? null : await AskKey(request);
        var context = AccessContext.Of(request, key?.Facts ?? (request.Spec is { } spec ? new(spec, request.Protection) : null), time.GetUtcNow());
        var allowed = RequestRights.Allows(policies, operation, request.KeyId, context) && MayProve(policies, operation, request, context);
        AccessReason[] because = [.. RequestRights.Explain(policies, operation, request.KeyId, context, allowed).Select(s => new AccessReason(s.Policy, s.Index, s.Effect))];
        return (allowed, key?.Own) switch
        {
            (true, { Allowed: false } own) => own,
            (true, { } own) => new(true, [.. because, .. own.Because]),
            _ => new(allowed, because),
        };
    }

    /// <summary>
    /// Whether a silo would let the call pass where it takes no gateway's word: it can verify only tokens, and knows no address of the caller.
    /// </summary>
    private static bool MayProve(CompiledPolicies policies, KmsOperation operation, SimulateAccess request, in AccessContext context) =>
        !operation.NeedsProof || request.Principal == CompiledPolicies.Unbound
        || (!request.WithoutToken && policies.Decide(operation, null, context with { Source = null }) == AccessDecision.Allowed);

    /// <summary>The policies of a principal; null if it may do nothing, whatever they say.</summary>
    private async Task<CompiledPolicies?> PoliciesOf(string name)
    {
        if (name == CompiledPolicies.Unbound) return CompiledPolicies.Of([BuiltInPolicies.All[BuiltInPolicies.Administrator]]);
        var row = PrincipalName.IsValid(name) ? await principals.Find(name) : null;
        if (row is null) throw KmsError.PrincipalNotFound.Exception();
        var view = await facts.View();
        var found = new List<Policy>();
        foreach (var policy in row.Policies)
        {
            if (await rows.Find(policy, view) is not { } known) return null;
            found.Add(known);
        }

        return row.Disabled ? null : CompiledPolicies.Of(found);
    }

    private async Task<KeyAccess?> AskKey(SimulateAccess request)
    {
        try
        {
            return await grains.GetGrain<IKeyPolicyGrain>(request.KeyId!).Simulate(request);
        }
        catch (KmsException e) when (e.Error == KmsError.KeyNotFound)
        {
            return null;
        }
    }
}
