using System.Net;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// The key's own policy, judged for every call that uses or manages the key, whatever way it came: what gateways allow by the policies
/// of principals it narrows. It does not bind the built-in administrator, who otherwise could not mend it, nor the service itself.
/// </summary>
internal sealed class OwnPolicy(KeyActivation key)
{
    private IReadOnlyList<PolicyStatement>? _statements;
    private CompiledPolicies? _compiled;
    private KeyFacts? _facts;

    /// <summary>Whether a call passes by what is known of the key; one that does not is to be refused once that is known to hold.</summary>
    public bool Permits(in Call call) => key.Slot.Row?.Policy is null || Decide(call, hasMessage: true) == AccessDecision.Allowed;

    /// <summary>Refuses a call that does not pass. The row is loaded.</summary>
    /// <exception cref="KmsException">permission_denied.</exception>
    public void Require(in Call call)
    {
        if (!Permits(call)) throw KmsError.PermissionDenied.Exception();
    }

    /// <summary>Refuses a call of many items of which none can pass, whatever it is. The row is loaded.</summary>
    /// <exception cref="KmsException">permission_denied.</exception>
    public void RequireForSome(in Call call)
    {
        if (key.Slot.Row?.Policy is not null && Decide(call, hasMessage: false) == AccessDecision.Denied) throw KmsError.PermissionDenied.Exception();
    }

    /// <summary>What the policy would decide of a simulated call; null where there is none that binds it. The row is loaded.</summary>
    public SimulatedAccess? Simulate(SimulateAccess request, KeyFacts facts)
    {
        var operation = KmsOperation.All.GetValueOrDefault(request.Action);
        if (key.Slot.Row?.Policy is null || operation is null || !Binds(operation, request.Principal)) return null;
        var (name, compiled, context) = ("key:" + key.Id, Compiled(key.Slot.Row), AccessContext.Of(request, facts, key.Now));
        var allowed = compiled.Decide(operation, key.Id, context) == AccessDecision.Allowed;
        AccessReason[] because = [.. compiled.Explain(operation, key.Id, context).Select(s => new AccessReason(name, s.Index, s.Effect))];
        return new(allowed, allowed || because.Length > 0 ? because : [new(name, null, PolicyEffect.Deny)]);
    }

    /// <summary>Whether any policy can bind a call: not one that makes the key, nor one by which the installation is run.</summary>
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
        var compiled = Compiled(row);
        return compiled.Decide(call.Operation, key.Id, new()
        {
            Now = key.Now,
            Source = compiled.LooksAtSource && IPAddress.TryParse(call.Caller.Source, out var address) ? address : null,
            Principal = call.Caller.Principal,
            HasMessage = hasMessage,
            AssociatedData = call.AssociatedData,
            Kind = call.Kind,
            // They never change.
            Key = _facts ??= new(row.Spec, row.Protection),
        });
    }
}
