using System.Collections.Immutable;
using System.Collections.ObjectModel;
using System.Reflection;
using Microsoft.Extensions.Options;
using Orleans.Serialization.Configuration;
using Orleans.Serialization.TypeSystem;
using OrleansKms.Transport;

namespace OrleansKms.Silo.Clustering.Admission;

/// <summary>
/// Which interfaces the holders of a certificate's role may call. Clients cannot reach anything that is in neither list; silos
/// call each other through the silo port.
/// </summary>
internal sealed class ClientRights(
    IGrainFactory grains, TypeConverter types, IOptions<TypeManifestOptions> manifest, IEnumerable<ExtraInterface> extra)
{
    /// <summary>What trusted services may call: keys, and everything that works with keys.</summary>
    public static IReadOnlyList<Type> OfClients { get; } =
    [
        typeof(IKeyGrain), typeof(IKeyBackupsGrain),
#if !OKMS_FEATURE_LEVEL_1
        typeof(IKeyVersionsGrain),
#endif
        typeof(IKeyEncryptionGrain), typeof(IKeySignaturesGrain), typeof(IKeyJwsGrain), typeof(IKeyMacsGrain), typeof(IKeyDerivationGrain), typeof(IKeyEncapsulationGrain), typeof(IKeyPairsGrain), typeof(IKeyImportGrain), typeof(IKeyExportGrain), typeof(IPublicKeyGrain), typeof(IKeyHistoryGrain), typeof(IKeyPolicyGrain), typeof(IAliasGrain), typeof(IDirectoryGrain), typeof(IHealthGrain),
        typeof(IRandomGrain), typeof(IReencryptionGrain),
    ];

    /// <summary>
    /// What only gateways may call in addition: they sign people in, forward administrators' proven requests and approvers' decisions, and
    /// write and read the audit trail.
    /// </summary>
    public static IReadOnlyList<Type> OfGateways { get; } =
    [
        typeof(IAccessGrain), typeof(IAccessFactsGrain), typeof(IPrincipalsGrain), typeof(IPoliciesGrain), typeof(ITokenUsesGrain), typeof(IKekRingGrain), typeof(INamespaceLimitsGrain), typeof(ILimitGrain),
        typeof(IAuditGrain), typeof(IKeyApprovalsGrain), typeof(IApprovalsDirectoryGrain), typeof(IPublishedKeysGrain),
    ];

    /// <summary>
    /// What is answered however many calls are in flight: that a silo is overloaded does not make it ill. Nor do the calls of gateways alone
    /// take places: they keep sign-in and the audit trail going.
    /// </summary>
    private static readonly Type[] _withoutPlace = [typeof(IHealthGrain)];

    /// <summary>The types that <see cref="CreateKey.Tags"/> can have.</summary>
    private static readonly Type[] _tags =
    [
        typeof(Dictionary<string, string>), typeof(ReadOnlyDictionary<string, string>), typeof(SortedDictionary<string, string>),
        typeof(ImmutableDictionary<string, string>), typeof(ImmutableSortedDictionary<string, string>),
    ];

    /// <summary>Their key comparers.</summary>
    private static readonly string[] _comparers = ["StringComparer"];

    /// <summary>
    /// The part of Orleans that tells clients which kinds of grains there are, and on which silos; no client starts without it.
    /// The names are those of 10.4; they are internal to it.
    /// </summary>
    public static AdmittedTarget Manifest { get; } = new(WireFormat.Id("sys.svc.manifest"u8), IsSystemTarget: true,
    [
        new(WireFormat.Id("Orleans.Runtime.IClusterManifestSystemTarget"u8), 0, [.. new[] { "4EFCA109", "40D39F85" }
            .Select(method => new AdmittedMethod(
                WireFormat.Call($"(\"inv\",[GrainRef],[Orleans.Runtime.IClusterManifestSystemTarget,Orleans.Core],\"{method}\")"), 0, new([], [])))]),
    ]);

    private readonly Lazy<(AdmittedCalls Client, AdmittedCalls Gateway)> _calls = new(() =>
    {
        IReadOnlyList<byte[]> named = [.. _tags.Select(type => types.Format(type)).Concat(_comparers).Select(WireFormat.Type)];
        var bodies = new Bodies(named, WellKnown(manifest.Value));
        var client = OfClients.Concat(extra.Select(one => one.Interface))
            .SelectMany(one => TargetsOf(one, grains, types, bodies, takesPlace: !_withoutPlace.Contains(one))).Prepend(Manifest);
        var gateway = client.Concat(OfGateways.SelectMany(one => TargetsOf(one, grains, types, bodies, takesPlace: false)));
        return (new(Merged(client)), new(Merged(gateway)));
    });

    /// <summary>What the holder of these roles may call.</summary>
    public AdmittedCalls Of(CertificateRole roles) =>
        (roles & (CertificateRole.Gateway | CertificateRole.Silo)) != 0 ? _calls.Value.Gateway
        : (roles & CertificateRole.Client) != 0 ? _calls.Value.Client
        : AdmittedCalls.None;

    private static IEnumerable<AdmittedTarget> TargetsOf(Type called, IGrainFactory grains, TypeConverter types, Bodies bodies, bool takesPlace)
    {
        var hasNumbers = !typeof(IGrainWithStringKey).IsAssignableFrom(called);
        var grain = (GrainReference)(hasNumbers ? grains.GetGrain(called, 0L) : grains.GetGrain(called, "k"));
        AdmittedMethod[] methods = [.. CallsOf(called).Select(call => new AdmittedMethod(
            WireFormat.Call(types.Format(call)), (uint)((RequestBase)Activator.CreateInstance(call)!).Options & WireFormat.MethodFlags,
            bodies.Of(call)))];
        yield return new(WireFormat.Id(grain.GrainId.Type.AsSpan()), IsSystemTarget: false,
            [new(WireFormat.Id(grain.InterfaceType.Value.AsSpan()), grain.InterfaceVersion, methods, takesPlace)], hasNumbers);
    }

    /// <summary>The types that Orleans has generated for the calls of an interface's methods.</summary>
    private static IEnumerable<Type> CallsOf(Type called) => called.Assembly.GetTypes().Where(type => type
        .GetCustomAttributes<CompoundTypeAliasAttribute>()
        .Any(alias => alias.Components is ["inv", _, Type named, ..] && named == called));

    /// <summary>One entry for each kind of grain, even if it has several interfaces.</summary>
    private static AdmittedTarget[] Merged(IEnumerable<AdmittedTarget> targets) =>
        [.. targets.GroupBy(target => Convert.ToHexString(target.Id))
            .Select(same => same.First() with { Interfaces = [.. same.SelectMany(target => target.Interfaces)] })];

    /// <summary>What the arguments of a call may contain: only where there are tags, a type is named that holds them.</summary>
    private sealed class Bodies(IReadOnlyList<byte[]> named, IReadOnlyList<uint> wellKnown)
    {
        private readonly CallBody _tagged = new(named, wellKnown);
        private readonly CallBody _batch = new([], wellKnown, countsOnly: true);
        private readonly CallBody _plain = new([], wellKnown);

        public CallBody Of(Type call)
        {
            var within = new HashSet<Type>();
            foreach (var field in call.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            {
                AddAll(field.FieldType, within);
            }
            return within.Contains(typeof(IReadOnlyDictionary<string, string>)) ? _tagged
                : within.Any(type => type.IsArray && type != typeof(byte[])) ? _batch
                : _plain;
        }

        private static void AddAll(Type type, HashSet<Type> within)
        {
            if (!within.Add(type)) return;
            foreach (var argument in type.GetGenericArguments()) AddAll(argument, within);
            if (type.Assembly != typeof(IKeyGrain).Assembly) return;
            foreach (var property in type.GetProperties(BindingFlags.Instance | BindingFlags.Public)) AddAll(property.PropertyType, within);
        }
    }

    private static IReadOnlyList<uint> WellKnown(TypeManifestOptions options) =>
        [.. options.WellKnownTypeIds.Where(known => IsPlain(known.Value)).Select(known => known.Key)];

    private static bool IsPlain(Type type) =>
        type.IsPrimitive || type == typeof(string) || type == typeof(TimeSpan) || type == typeof(DateTimeOffset) || type == typeof(Guid);
}

/// <summary>An interface that clients may call in addition, for tests with grains of their own.</summary>
internal sealed record ExtraInterface(Type Interface);
