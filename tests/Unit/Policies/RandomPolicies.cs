using System.Text;
using CsCheck;

namespace OrleansKms.Tests.Unit.Policies;

/// <summary>Random policies, and calls that they decide on: of so few names that policies and calls often meet.</summary>
internal static class RandomPolicies
{
    private static readonly DateTimeOffset _time = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly Gen<string> _key = Among("a", "a.b", "a.b.c", "a.bc", "b", "ab", "A.b", "_");

    private static readonly Gen<string> _pattern = Gen.OneOf(_key, _key.Select(key => key + "*"), _key.Select(key => key + ".*"), Gen.Const("*"));

    private static readonly Gen<string> _principal = Among("app", "app-1", "app-2", "ci@build", "admin2");

    private static readonly Gen<string> _address =
        Among("10.0.0.1", "10.128.0.1", "192.0.2.1", "0.0.0.0", "2001:db8:0:0:0:0:0:1", "2001:db8:8000:0:0:0:0:1");

    private static readonly Gen<string> _network = Among(
        "10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9", "192.0.2.1/32", "0.0.0.0/0", "0.0.0.0/32", "2001:db8:0:0:0:0:0:0/32", "2001:db8:8000:0:0:0:0:0/33");

    private static readonly Gen<KmsOperation> _operation = Among([.. KmsOperation.All.Values]);

    private static readonly Gen<string> _action = Gen.Frequency(
        (3, _operation.Select(operation => operation.Name)), (2, Among("use", "manage", "export", "audit", "admin")), (1, Gen.Const("*")));

    private static readonly Gen<string> _spec = Among("AES_256_GCM", "AES_128_GCM", "XAES_256_GCM");

    private static readonly Gen<string> _data = Among("", "t", "te", "tenant=1", "tenant=2", "x");

    private static readonly Gen<DateTimeOffset> _moment = Gen.Int[-2, 2].Select(minutes => _time.AddMinutes(minutes));

    private static readonly Gen<PolicyConditions> _conditions = Gen.Select(
        Maybe(_network.Array[1, 3]), Maybe(_moment), Maybe(_moment), Maybe(_data.Where(data => data.Length > 0)), Maybe(Gen.Int[1, 3]),
        Maybe(Gen.Bool), Maybe(_spec.Array[1, 2]),
        (source, from, to, data, kind, isHsm, specs) => new PolicyConditions
        {
            Source = source.FirstOrDefault(),
            NotBefore = from.Length == 0 ? null : from[0],
            NotAfter = to.Length == 0 ? null : to[0],
            AssociatedDataPrefix = data.Length == 0 ? null : Encoding.ASCII.GetBytes(data[0]),
            Kind = kind.Length == 0 ? null : (CiphertextKind)kind[0],
            Protection = isHsm.Length == 0 ? null : isHsm[0] ? KeyProtection.Hsm : KeyProtection.Software,
            Specs = specs.FirstOrDefault(),
        });

    private static readonly Gen<PolicyStatement> _statement = Gen.Select(
        Gen.Int[0, 2].Select(n => n == 0 ? PolicyEffect.Deny : PolicyEffect.Allow), _action.Array[1, 4], _pattern.Array[1, 4], Maybe(_conditions),
        (effect, actions, keys, when) => new PolicyStatement(effect, actions, keys) { When = when.FirstOrDefault() });

    /// <summary>The policies of a principal.</summary>
    public static Gen<Policy[]> OfPrincipal { get; } = _statement.Array[0, 4].Select(statements => new Policy("p", statements)).Array[0, 4];

    /// <summary>The one policy of a key.</summary>
    public static Gen<Policy[]> OfKey { get; } = Gen.Select(
            _statement, Maybe(_principal.Select(Gen.Int[0, 2], (name, end) => end == 0 ? name + "*" : end == 1 ? "*" : name).Array[1, 3]), Gen.Bool,
            (statement, principals, allKeys) => statement with { Principals = principals.FirstOrDefault(), Keys = allKeys ? [] : statement.Keys })
        .Array[0, 4].Select(statements => new[] { new Policy("key", statements) });

    /// <summary>A call of which everything is known.</summary>
    public static Gen<PolicyOracle.Request> Request { get; } = Gen.Select(
        Gen.Select(_operation, Maybe(_key)), _address, _moment, Maybe(_data), Gen.Int[0, 3], _spec, Gen.Bool, _principal,
        (what, source, now, data, kind, spec, isHsm, principal) => new PolicyOracle.Request(
            what.Item1, what.Item2.FirstOrDefault(), source, now, data.FirstOrDefault(), (CiphertextKind)kind, spec,
            isHsm ? KeyProtection.Hsm : KeyProtection.Software, principal));

    private static Gen<T> Among<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    // Nothing as often as something; an array, since there is no null for every type.
    private static Gen<T[]> Maybe<T>(Gen<T> gen) => gen.Array[0, 1];
}
