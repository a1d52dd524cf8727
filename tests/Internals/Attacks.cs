using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using System.Reflection;
using Orleans.ClientObservers;
using Orleans.CodeGeneration;
using Orleans.Core.Internal;
using Orleans.Placement.Rebalancing;
using Orleans.Runtime.Placement;

namespace OrleansKms.Tests.Internals;

/// <summary>A silo of the cluster, as its membership table has it.</summary>
public sealed record Victim(int SiloPort, int Generation)
{
    internal SiloAddress Address => SiloAddress.New(IPAddress.Loopback, SiloPort, Generation);
}

/// <summary>What a client could do with a certificate and Orleans' own interfaces, if nothing stood between it and them.</summary>
public static class Attacks
{
    private static readonly Caller _admin = new("admin", "127.0.0.1", "attack");

    /// <summary>
    /// By name: what is done, with the silo to which the attacker is connected, another one, and another client. What it answers
    /// completes when it succeeded.
    /// </summary>
    public static IReadOnlyDictionary<string, Func<Attacker, Victim, Victim, Attacker, Task>> All { get; } =
        new Dictionary<string, Func<Attacker, Victim, Victim, Attacker, Task>>
        {
            ["news that this silo is dead"] = (by, here, _, _) => Membership(by, here).MembershipChangeNotification(Dead(here)),
            ["news to another silo that it is dead"] = (by, _, other, _) => Membership(by, other).MembershipChangeNotification(Dead(other)),
            ["news that another silo is dead"] = (by, here, other, _) => Membership(by, here).MembershipChangeNotification(Dead(other)),
            ["a probe of another silo"] = (by, here, other, _) => Membership(by, here).ProbeIndirectly(other.Address, TimeSpan.FromSeconds(1), 1),
            ["the list of active keys"] = (by, here, _, _) => Management(by).GetDetailedGrainStatistics(),
            ["the emptying of memory"] = (by, here, _, _) => Management(by).ForceActivationCollection(TimeSpan.Zero),
            ["silo control"] = (by, here, _, _) => by.Grains.GetSystemTarget<ISiloControl>(Constants.SiloControlType, here.Address).GetActivationCount(),
            ["silo control of another silo"] = (by, _, other, _) => by.Grains.GetSystemTarget<ISiloControl>(Constants.SiloControlType, other.Address).GetActivationCount(),
            ["the rows of a key"] = (by, _, _, _) => by.Grains.GetGrain<IKeyRowsGrain>("attacked").Check(new KeyCommand(_admin)),
            ["the reminders of a key"] = (by, here, _, _) => Reminders(by, here).GetReminders(Key(by, "attacked").GetGrainId()),
            ["a foreign reminder"] = (by, here, _, _) => Reminders(by, here).RegisterOrUpdateReminder(
                Key(by, "attacked").GetGrainId(), "foreign", TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1)),
            ["a false entry of the directory"] = (by, here, other, _) => by.Grains
                .GetSystemTarget<IRemoteGrainDirectory>(Constants.DirectoryServiceType, here.Address).RegisterMany([FalseAddress(by, other)]),
            ["an entry of the directory removed"] = (by, here, other, _) => by.Grains
                .GetSystemTarget<IRemoteGrainDirectory>(Constants.DirectoryServiceType, here.Address).DeleteGrainAsync(Key(by, "attacked").GetGrainId()),
            ["the end of an activation"] = (by, _, _, _) => Key(by, "attacked").AsReference<IGrainManagementExtension>().DeactivateOnIdle().AsTask(),
            ["the end of an activation, as a call of the key"] = (by, _, _, _) => by.Send(_ => { }, Key(by, "attacked"), OrleansFrames.Call<IGrainManagementExtension>("DeactivateOnIdle")),
            ["the moving of keys"] = (by, _, _, _) => by.Grains.GetGrain<IActivationRebalancerWorker>(0).SuspendRebalancing(null),
            ["a call to another client"] = (by, _, _, victim) =>
            {
                by.Grains.GetGrain<IClientGatewayObserver>(ObserverGrainId.Create(ClientOf(victim), IdSpan.Create("ClientGatewayObserver")).GrainId)
                    .StopSendingToGateway(victim.Gateways[0]);
                return Never();
            },
            ["an answer to another client"] = (by, _, _, victim) => by.Send(
                message =>
                {
                    message.Direction = Message.Directions.Response;
                    message.TargetGrain = victim.Id;
                },
                Key(by, "attacked"), Orleans.Serialization.Invocation.Response.FromResult(1)),
            ["a call in the name of another client"] = (by, _, _, victim) => by.Send(
                message => message.SendingGrain = victim.Id, Key(by, "attacked"), OrleansFrames.Call<IKeyGrain>("Describe", new KeyCommand(_admin))),
            ["a message that was forwarded"] = (by, _, _, _) => by.Send(
                message => message.ForwardCount = 1, Key(by, "attacked"), OrleansFrames.Call<IKeyGrain>("Describe", new KeyCommand(_admin))),
            ["a rotation that interleaves"] = (by, _, _, _) => by.Send(
                message => message.IsAlwaysInterleave = true, Key(by, "attacked"), OrleansFrames.Call<IKeyGrain>("Rotate", new KeyCommand(_admin))),
            ["a second activation of a key"] = (by, _, _, _) => by.Send(
                message => message.TargetGrain = new(message.TargetGrain.Type, IdSpan.UnsafeCreate("attacked"u8.ToArray(), 1)),
                Key(by, "attacked"), OrleansFrames.Call<IKeyGrain>("Describe", new KeyCommand(_admin))),
            ["a key placed by its caller"] = (by, _, other, _) => by.Send(
                message => message.RequestContextData = new() { [IPlacementDirector.PlacementHintKey] = other.Address },
                Key(by, "attacked-too"), OrleansFrames.Call<IKeyGrain>("Describe", new KeyCommand(_admin))),
            ["news of where a key is"] = (by, _, other, _) => by.Send(
                message => message.CacheInvalidationHeader = [new(FalseAddress(by, other), null)],
                Key(by, "attacked"), OrleansFrames.Call<IKeyGrain>("Describe", new KeyCommand(_admin))),
            ["a newer interface"] = (by, _, _, _) => by.Send(
                message => message.InterfaceVersion = 7, Key(by, "attacked"), OrleansFrames.Call<IKeyGrain>("Describe", new KeyCommand(_admin))),
            ["an object of another type among the arguments"] = (by, _, _, _) => by.Send(
                _ => { }, Key(by, "attacked"), OrleansFrames.Call<IKeyGrain>("Create", new CreateKey { Caller = _admin, Tags = new ConcurrentDictionary<string, string>() })),
        };

    /// <summary>A rotation of the KEK, under the name of the administrator.</summary>
    public static Task<KekDescription> RotateKek(Attacker by) => by.Grains.GetGrain<IKekRingGrain>(IKekRingGrain.Key).Rotate(new KekCommand(_admin));

    /// <summary>The end of a KEK, under the name of the administrator, who is even given a proof.</summary>
    public static Task<KekDescription> DestroyKek(Attacker by, string kek) =>
        by.Grains.GetGrain<IKekRingGrain>(IKekRingGrain.Key).Destroy(new DestroyKek(_admin, kek));

    /// <summary>What tokens are compared with.</summary>
    public static Task<SignInCredentials> ListCredentials(Attacker by) =>
        by.Grains.GetGrain<IAccessGrain>(0).ListCredentials(new CredentialsQuery(_admin)).AsTask();

    /// <summary>A call of any method of the service's own interfaces, with a request that is whole and made up.</summary>
    /// <param name="by">Who calls.</param>
    /// <param name="method">What.</param>
    /// <param name="proof">What the request says to prove, where it has a place for it.</param>
    /// <param name="key">Of which grain, where they have names.</param>
    /// <param name="isFull">Whether the request has all that it may have.</param>
    public static Task Call(Attacker by, MethodInfo method, AdministratorProof? proof = null, string key = "attacked", bool isFull = false)
    {
        var called = method.DeclaringType!;
        var grain = typeof(IGrainWithStringKey).IsAssignableFrom(called) ? by.Grains.GetGrain(called, key) : by.Grains.GetGrain(called, 0L);
        var answer = method.Invoke(grain, [new ForgedRequest(_admin, proof, isFull).Of(method.GetParameters().Single().ParameterType)])!;
        return answer as Task ?? (Task)answer.GetType().GetMethod(nameof(ValueTask<>.AsTask))!.Invoke(answer, null)!;
    }

    /// <summary>What clients are for: a key is described.</summary>
    public static Task<KeyDescription> Describe(Attacker by, string key) => Key(by, key).Describe(new KeyCommand(_admin));

    /// <summary>On how many activations a key is, by what Orleans tells whoever may ask it.</summary>
    public static async Task<int> Activations(Attacker by, string key) =>
        (await Management(by).GetDetailedGrainStatistics()).Count(grain => grain.GrainId == Key(by, key).GetGrainId() || grain.GrainId.Key.ToString() == key);

    private static IKeyGrain Key(Attacker by, string id) => by.Grains.GetGrain<IKeyGrain>(id);

    private static IMembershipService Membership(Attacker by, Victim silo) =>
        by.Grains.GetSystemTarget<IMembershipService>(Constants.MembershipServiceType, silo.Address);

    private static IManagementGrain Management(Attacker by) => by.Grains.GetGrain<IManagementGrain>(0);

    private static IReminderService Reminders(Attacker by, Victim silo) => by.Grains.GetSystemTarget<IReminderService>(
        SystemTargetGrainId.CreateGrainServiceGrainId(GrainInterfaceUtils.GetGrainClassTypeCode(typeof(IReminderService)), null!, silo.Address));

    private static MembershipTableSnapshot Dead(Victim silo) => new(
        new MembershipVersion(long.MaxValue / 2),
        ImmutableDictionary<SiloAddress, MembershipEntry>.Empty.Add(silo.Address, new MembershipEntry
        {
            SiloAddress = silo.Address,
            Status = SiloStatus.Dead,
            HostName = "localhost",
            SiloName = "silo",
            StartTime = DateTime.UtcNow,
            IAmAliveTime = DateTime.UtcNow,
        }));

    private static GrainAddress FalseAddress(Attacker by, Victim silo) => new()
    {
        GrainId = Key(by, "attacked").GetGrainId(),
        SiloAddress = silo.Address,
        ActivationId = ActivationId.NewId(),
    };

    private static ClientGrainId ClientOf(Attacker client) =>
        ClientGrainId.TryParse(client.Id, out var id) ? id : throw new InvalidOperationException("Not a client's id.");

    private static Task Never() => Task.Delay(Timeout.InfiniteTimeSpan);
}
