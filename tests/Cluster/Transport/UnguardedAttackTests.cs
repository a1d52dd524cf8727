using OrleansKms.Tests.Cluster.Faults;
using OrleansKms.Tests.Internals;
using Xunit.Abstractions;

namespace OrleansKms.Tests.Cluster.Transport;

/// <summary>
/// The attacks of <see cref="AttackTests"/> against silos without the check of what clients send: each succeeds, so that none is
/// refused there for another reason than the check. What each does is in <see cref="_effects"/>, for every attack by name.
/// </summary>
[Trait("Category", "Faults")]
[Collection(Alone.Name)]
public sealed class UnguardedAttackTests(UnguardedCluster unguarded, ITestOutputHelper log) : IClassFixture<UnguardedCluster>
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(1);

    /// <summary>Attacks after which there is no cluster left, or not the same: each has one of its own.</summary>
    private static readonly HashSet<string> _lethal =
        ["news that this silo is dead", "news to another silo that it is dead", "news that another silo is dead"];

    private static readonly Dictionary<string, (string Effect, Func<Scene, Task> Seen)> _effects = new()
    {
        ["news that this silo is dead"] = ("the silo ends itself", scene => scene.Attacked.First.Exited()),
        ["news to another silo that it is dead"] = ("the other silo, which the attacker cannot reach, ends itself", scene => scene.Attacked.Second.Exited()),
        ["news that another silo is dead"] = ("the silo takes the other for dead", scene =>
            scene.Attacked.First.UntilSaid($"The silo S127.0.0.1:{scene.Attacked.Other.SiloPort}:{scene.Attacked.Other.Generation} is Dead")),
        ["a probe of another silo"] = Answered,
        ["the list of active keys"] = ("the ids of keys are told", async scene =>
        {
            await Attacks.Describe(scene.Victim, "attacked");
            Assert.NotEqual(0, await Attacks.Activations(scene.By, "attacked"));
        }
        ),
        ["the emptying of memory"] = ("no key is in memory", scene => UntilActivations(scene, count => count == 0)),
        ["silo control"] = Answered,
        ["silo control of another silo"] = Answered,
        ["the rows of a key"] = Answered,
        ["the reminders of a key"] = Answered,
        ["a foreign reminder"] = ("the reminder is in the database", async scene =>
        {
            await scene.Attempt;
            Assert.NotEqual(0L, await scene.Attacked.Cluster.Scalar("SELECT count(*) FROM okms_reminder WHERE reminder_name = 'foreign'"));
        }
        ),
        ["a false entry of the directory"] = Answered,
        ["an entry of the directory removed"] = Answered,
        ["the end of an activation"] = Answered,
        ["the end of an activation, as a call of the key"] = ("the key leaves memory", scene => UntilActivations(scene, count => count < scene.Activations)),
        ["the moving of keys"] = Answered,
        ["a call to another client"] = ("the other client is kept from sending", scene => Until(() => Task.FromResult(scene.Victim.IsKeptFromSending))),
        ["an answer to another client"] = ("the other client is given the answer", scene => scene.Victim.Unexpected.First),
        ["a call in the name of another client"] = ("it is done, and the other client is answered", scene => scene.Victim.Unexpected.First),
        ["a message that was forwarded"] = Done,
        ["a rotation that interleaves"] = ("the key is rotated", scene => Until(async () =>
            (await Attacks.Describe(scene.Victim, "attacked")).PrimaryVersion > scene.PrimaryVersion)),
        ["a second activation of a key"] = ("the key is in memory twice", scene => UntilActivations(scene, count => count > scene.Activations)),
        ["a key placed by its caller"] = Done,
        ["news of where a key is"] = Done,
        ["a newer interface"] = Done,
        ["an object of another type among the arguments"] = Done,
    };

    public static TheoryData<string> Names => [.. Attacks.All.Keys];

    /// <summary>Its own call is answered, with no error.</summary>
    private static (string Effect, Func<Scene, Task> Seen) Answered => ("it is answered", scene => scene.Attempt);

    /// <summary>A message made by hand is taken: the attacker is answered, though Orleans' client in it knows of no question.</summary>
    private static (string Effect, Func<Scene, Task> Seen) Done => ("it is taken, and answered", scene => scene.By.Unexpected.First);

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Attack_WithoutTheCheck_Succeeds(string attack)
    {
        if (!_lethal.Contains(attack))
        {
            await Succeeds(unguarded, attack);
            return;
        }
        var cluster = new UnguardedCluster();
        try
        {
            await cluster.InitializeAsync();
            await Succeeds(cluster, attack);
        }
        finally
        {
            await cluster.DisposeAsync();
        }
    }

    [Fact]
    public async Task NameOfAnotherClient_WithoutTheCheck_TakesItsAnswers()
    {
        await using var victim = await unguarded.Connect("named");
        await Attacks.Describe(victim, "attacked");
        await using var namesake = await Attacker.Connect(unguarded.Sign("namesake"), unguarded.ClientPort, victim);
        var asked = Attacks.Describe(victim, "attacked");
        await Task.WhenAny(namesake.Unexpected.First, asked).WaitAsync(_patience);
        Assert.True(namesake.Unexpected.First.IsCompleted);
        Assert.False(asked.IsCompletedSuccessfully);
        log.WriteLine("the name of another client: what the other asks is answered to the attacker");
    }

    [Fact]
    public async Task Service_WithoutTheCheck_ReadsWhatTokensAreComparedWith_AndReachesAllThatIsForGateways()
    {
        await using var service = await unguarded.Connect("service", "okms:client");
        Assert.NotNull(await Attacks.ListCredentials(service).WaitAsync(_patience));
        log.WriteLine("a service's question for credentials: they are told");
        foreach (var (operation, method) in AttackTests.ForGateways)
        {
            // By the grain: with what it wants to know, or with its own refusal.
            var answer = await Record.ExceptionAsync(() => Attacks.Call(service, method).WaitAsync(_patience));
            Assert.True(answer is null or KmsException, $"{operation}: {answer}");
            log.WriteLine($"{operation}, by a service: {(answer as KmsException)?.Code ?? "it is answered"}");
        }
    }

    private async Task Succeeds(AttackedCluster attacked, string attack)
    {
        await using var attacker = await attacked.Connect("attacker");
        await using var victim = await attacked.Connect("victim");
        var primary = (await Attacks.Describe(victim, "attacked")).PrimaryVersion;
        var activations = await Attacks.Activations(attacker, "attacked");
        var attempt = Attacks.All[attack](attacker, attacked.Here, attacked.Other, victim);
        var (effect, seen) = _effects[attack];
        try
        {
            await seen(new(attacked, attacker, victim, attempt, primary, activations)).WaitAsync(_patience);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"It was not seen that {effect}.\n{attacked.Cluster}", e);
        }
        log.WriteLine($"{attack}: {effect}");
    }

    private static Task UntilActivations(Scene scene, Func<int, bool> condition) =>
        Until(async () => condition(await Attacks.Activations(scene.By, "attacked")));

    private static async Task Until(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(_patience);
        while (!await condition()) await Task.Delay(20, patience.Token);
    }

    private sealed record Scene(AttackedCluster Attacked, Attacker By, Attacker Victim, Task Attempt, int PrimaryVersion, int Activations);
}
