using System.Net;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// The key's own policy. It applies to every call that uses or manages the key, whatever its route, and narrows what gateways permit by
/// principals' policies. It does not apply to the built-in administrator, who could not repair it otherwise, nor to the service itself.
/// </summary>
internal sealed class OwnPolicy(KeyActivation key)
{
    // These name a key and do not reach it.
    private static readonly KmsOperation[] _aside = [KmsOperation.DescribeAlias, KmsOperation.PointAlias, KmsOperation.RemoveAlias];

    private IReadOnlyList<PolicyStatement>? _statements;
    private CompiledPolicies? _compiled;
    private KeyFacts? _facts;

    /// <summary>
    /// Whether a call passes, as far as the key is known. Refuse one that does not only once that knowledge is known to be current.
    /// </summary>
    public bool Permits(in Call call) => key.Slot.Row?.Policy is null || Decide(call, hasMessage: true) == AccessDecision.Allowed;

    /// <summary>Refuses a call that does not pass. The row must be loaded.</summary>
    /// <exception cref="KmsException">permission_denied.</exception>
    public void Require(in Call call)
    {
        if (!Permits(call)) throw KmsError.PermissionDenied.Exception();
    }

    /// <summary>Refuses a call that the policy of a key which does not exist yet does not let pass.</summary>
    /// <param name="row">The key.</param>
    /// <param name="call">The call.</param>
    /// <exception cref="KmsException">permission_denied.</exception>
    public void RequireBy(KeyRow row, in Call call)
    {
        // Nothing of it is kept: whatever becomes of this call, another key may get the id.
        if (row.Policy is { } policy && Binds(call)
            && Decide(CompiledPolicies.OfKey(new(key.Id, policy)), call, hasMessage: true, new(row.Spec, row.Protection)) != AccessDecision.Allowed)
        {
            throw KmsError.PermissionDenied.Exception();
        }
    }

    /// <summary>Refuses a call of many items if no item could pass. The row must be loaded.</summary>
    /// <exception cref="KmsException">permission_denied.</exception>
    public void RequireForSome(in Call call)
    {
        if (key.Slot.Row?.Policy is not null && Decide(call, hasMessage: false) == AccessDecision.Denied) throw KmsError.PermissionDenied.Exception();
    }

    /// <summary>The policy's decision on a simulated call; null if there is none that applies. The row must be loaded.</summary>
    public SimulatedAccess? Simulate(SimulateAccess request, KeyFacts facts)
    {
        var operation = KmsOperation.All.GetValueOrDefault(request.Action);
        if (key.Slot.Row?.Policy is null || operation is not { NamesKey: true } || _aside.Contains(operation) || !Binds(operation, request.Principal)) return null;
        var (name, compiled, context) = ("key:" + key.Id, Compiled(key.Slot.Row), AccessContext.Of(request, facts, key.Now));
        var parts = RequestRights.PartsOf(operation);
        bool Allows(KmsOperation part) => compiled.Decide(part, key.Id, context) == AccessDecision.Allowed;
        var allowed = operation == KmsOperation.RunBatch ? parts.Any(Allows) : parts.All(Allows);
        AccessReason[] because =
            [.. parts.SelectMany(part => compiled.Explain(part, key.Id, context)).Distinct().Where(s => s.Effect == PolicyEffect.Allow == allowed).Select(s => new AccessReason(name, s.Index, s.Effect))];
        return new(allowed, allowed || because.Length > 0 ? because : [new(name, null, PolicyEffect.Deny)]);
    }

    /// <summary>Whether a policy can apply to a call: not if it creates the key or administers the installation.</summary>
    public static bool Binds(in Call call) => Binds(call.Operation, call.Caller.Principal);

    private static bool Binds(KmsOperation operation, string principal) =>
        operation.Group is not KmsOperationGroup.Admin && operation != KmsOperation.CreateKey && principal != CompiledPolicies.Unbound;

    private CompiledPolicies Compiled(KeyRow row)
    {
        if (!ReferenceEquals(_statements, row.Policy))
        {
            _compiled = CompiledPolicies.OfKey(new(key.Id, row.Policy!));
            _statements = row.Policy;
        }

        return _compiled!;
    }

    private AccessDecision Decide(in Call call, bool hasMessage)
    {
        if (!Binds(call)) return AccessDecision.Allowed;
        var row = key.Slot.Row!;

        // The facts never change.
        return Decide(Compiled(row), call, hasMessage, _facts ??= new(row.Spec, row.Protection));
    }

    private AccessDecision Decide(CompiledPolicies compiled, in Call call, bool hasMessage, KeyFacts facts) => compiled.Decide(call.Operation, key.Id, new()
    {
        Now = key.Now,
        Source = compiled.LooksAtSource && IPAddress.TryParse(call.Caller.Source, out var address) ? address : null,
        Principal = call.Caller.Principal,
        HasMessage = hasMessage,
        AssociatedData = call.AssociatedData,
        Kind = call.Kind,
        Key = facts,
    });
}
