using System.Net;

namespace OrleansKms.Tests.Unit.Policies;

/// <summary>Whether a request may pass costs no memory, once its key was asked for: whatever its policies look at, and at each place that asks.</summary>
public sealed class DecisionMemoryTests
{
    private const string Key = "payments.eu";
    private static readonly AccessContext _early = new() { Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero), Source = IPAddress.Parse("10.1.2.3"), Principal = "app-1" };
    private static readonly AccessContext _late = _early.With([1, 2], CiphertextKind.Data) with { Key = new("AES_256_GCM", KeyProtection.Software) };
    private static readonly KmsOperation[] _operations = [KmsOperation.Encrypt, KmsOperation.Decrypt, KmsOperation.Reencrypt, KmsOperation.RunBatch, KmsOperation.RotateKey];

    private static readonly PolicyStatement _conditional = new(PolicyEffect.Allow, ["use", "manage"], ["payments.*"])
    {
        When = new()
        {
            Source = ["192.0.2.0/24", "10.0.0.0/8"],
            NotBefore = DateTimeOffset.UnixEpoch,
            AssociatedDataPrefix = [1],
            Kind = CiphertextKind.Data,
            Protection = KeyProtection.Software,
            Specs = ["XAES_256_GCM", "AES_256_GCM"],
        },
    };

    private static readonly PolicyStatement[] _statements =
    [
        _conditional, new(PolicyEffect.Allow, ["keys:encrypt"], ["other*"]), new(PolicyEffect.Deny, ["use"], ["payments.secret*"]),
        new(PolicyEffect.Deny, ["keys:batch", "keys:reencrypt"], ["*"]) { When = new() { Source = ["192.0.2.0/24"] } },
    ];

    private readonly CompiledPolicies _principals = CompiledPolicies.Of([new("test", _statements), BuiltInPolicies.All["auditor"]]);

    private readonly CompiledPolicies _keys = CompiledPolicies.OfKey(new("key:" + Key,
    [
        _conditional with { Keys = [], Principals = ["nobody", "app-*"] }, new(PolicyEffect.Deny, ["use"], []) { Principals = ["stranger"] },
    ]));

    /// <summary>In the order of a request: what a gateway asks before it reads the body and after, and what the key asks.</summary>
    public static TheoryData<string> Places => new(["before the body", "with the body", "as part of a request", "everywhere", "simulated", "by the key"]);

    [Theory]
    [MemberData(nameof(Places))]
    public void Decision_AllocatesNothing(string place)
    {
        Func<KmsOperation, bool> decide = place switch
        {
            "before the body" => operation => RequestRights.MayAllowSome(_principals, operation, _early)
                && RequestRights.DecidePart(_principals, null, operation, Key, _early) != AccessDecision.Denied,
            "with the body" => operation => RequestRights.DecidePart(_principals, null, operation, Key, _late) == AccessDecision.Allowed,
            "as part of a request" => operation => RequestRights.DecidePart(_principals, KmsOperation.RunBatch, operation, Key, _late) == AccessDecision.Allowed,
            "everywhere" => operation => _principals.AllowsEvery(operation, _late) | _principals.DeniesEvery(operation, _late) | _principals.Denies(operation, Key, _late),
            "simulated" => operation => RequestRights.Allows(_principals, operation, Key, _late),
            _ => operation => _keys.Decide(operation, Key, _late) == AccessDecision.Allowed,
        };
        Assert.Equal(place != "everywhere", decide(KmsOperation.Encrypt));
        Assert.Equal(0, Allocations.Least(() =>
        {
            for (var i = 0; i < 200; i++)
            {
                foreach (var operation in _operations) decide(operation);
            }
        }));
    }
}
