using System.Reflection;
using System.Text.RegularExpressions;
using OrleansKms.Silo.Clustering.Admission;
using OrleansKms.Tests.Cluster.Processes;
using OrleansKms.Tests.Internals;

namespace OrleansKms.Tests.Cluster.Transport;

/// <summary>
/// What somebody can do who has got hold of a certificate for the client port, and of Orleans' own interfaces. Orleans believes
/// whatever reaches it: without what stands before it, each of these succeeds.
/// </summary>
public sealed class AttackTests(AttackedCluster attacked) : IClassFixture<AttackedCluster>
{
    /// <summary>
    /// What a gateway asks without a proof. Sign-in is made of the first; who approves, and what is recorded, is what a gateway says
    /// of whom it has signed in; and what only reads tells no secret. All else that is for gateways alone needs a proof.
    /// </summary>
    private static readonly HashSet<string> _needNoProof =
    [
        "service:credentials", "service:find-principal", "service:access-changes", "service:note-token-use",
        "approvals:list", "approvals:describe", "approvals:approve", "approvals:reject", "approvals:cancel", "keys:create", "keys:update",
        "audit:record", "audit:search", "audit:logs", "keys:jwks",
        "principals:list", "principals:describe", "principals:list-tokens", "policies:list", "policies:describe", "policies:simulate",
        "service:namespace-limits", "service:reserve-uses", "namespaces:describe-limits",
    ];

    public static TheoryData<string> Names => [.. Attacks.All.Keys];

    /// <summary>Every method that is for gateways alone, by its operation.</summary>
    public static IEnumerable<(string Operation, MethodInfo Method)> ForGateways => ClientRights.OfGateways
        .SelectMany(called => called.GetMethods()).Select(method => (method.GetCustomAttribute<OperationAttribute>()!.Name, method));

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Attack_IsRefused_ChangesNothing_AndIsToldWithTheCertificatesName(string attack)
    {
        var before = await attacked.State();
        var name = "by-" + Regex.Replace(attack, "[^a-z]+", "-");
        await using var attacker = await attacked.Connect(name);
        await using var victim = await attacked.Connect("victim");

        var attempt = Attacks.All[attack](attacker, attacked.Here, attacked.Other, victim);
        await Refused(name, attempt);

        await StillServes(victim);
        Assert.Equal(before, await attacked.State());
        Assert.False(attacker.Unexpected.First.IsCompleted, "What was refused was answered.");
        Assert.False(victim.Unexpected.First.IsCompleted, "Another client was sent an answer that it had not asked for.");
        Assert.False(victim.IsKeptFromSending, "Another client was kept from sending.");
    }

    [Fact]
    public async Task ForgedAdministrator_WithAGatewaysCertificate_IsDenied()
    {
        var before = await attacked.State();
        await using var attacker = await attacked.Connect("gateway-of-no-administrator");
        var kek = (await attacked.First.Http.Keks()).Single().Id;
        foreach (var attempt in new[] { () => Attacks.RotateKek(attacker), () => Attacks.DestroyKek(attacker, kek) })
        {
            var denied = await Record.ExceptionAsync(attempt) as KmsException;
            Assert.True(denied is not null, attacked.Cluster.ToString());
            Assert.Equal("permission_denied", denied.Code);
        }

        Assert.Equal(before, await attacked.State());
        await StillServes(attacker);
    }

    [Fact]
    public async Task NameOfAnotherClient_IsRefused_AndTheOtherGetsItsAnswers()
    {
        await using var victim = await attacked.Connect("named");
        await StillServes(victim);
        var files = attacked.Sign("namesake");
        await Refused("namesake", Attacker.Connect(files, attacked.ClientPort, victim));
        await StillServes(victim);
    }

    [Fact]
    public async Task NameOfAnotherClient_OnAnotherSilo_IsRefused_AndTheOtherGetsItsAnswers()
    {
        // Of so many, each silo has some. A silo hands what its own grains answer to whoever is connected to it under that id.
        var keys = Enumerable.Range(0, 32).Select(i => $"spread-{i}").ToList();
        foreach (var key in keys) await attacked.First.Http.Create(key);
        await using var victim = await attacked.Connect("spread");
        foreach (var key in keys) await Attacks.Describe(victim, key);

        var files = attacked.Sign("namesake-elsewhere");
        await Refused("namesake-elsewhere", Attacker.Connect(files, attacked.OtherClientPort, victim), attacked.Second);
        foreach (var key in keys) await Attacks.Describe(victim, key);
    }

    [Fact]
    public async Task ArgumentsThatCannotBeRead_EndTheConnection_AndSayOneLine()
    {
        using var frames = new OrleansFrames();
        using var stranger = await Stranger.Connect(attacked.ClientPort);
        await stranger.Greet(attacked.Sign("unreadable"));
        await stranger.Send([.. frames.Preamble(), .. Enumerable.Range(0, 200).SelectMany(number => frames.Unreadable(number))]);
        await stranger.UntilEnded();
        // What a process says comes to the test a little later.
        await attacked.First.UntilSaid("CN=unreadable (");

        Assert.Single(attacked.First.Output, line => line.Contains("CN=unreadable (", StringComparison.Ordinal)
            && line.Contains("arguments that cannot be read", StringComparison.Ordinal) && line.Contains("warn", StringComparison.Ordinal));
        Assert.DoesNotContain(attacked.First.Output, line => line.Contains("Exception reading message", StringComparison.Ordinal));
        await using var client = await attacked.Connect("after-the-unreadable");
        await StillServes(client);
    }

    [Fact]
    public async Task WhatOnlyGatewaysMayCall_WithoutAProof_IsDenied_UnlessItNeedsNone()
    {
        var before = await attacked.State();
        await using var attacker = await attacked.Connect("gateway-without-proof");
        var methods = ForGateways.Where(called => !_needNoProof.Contains(called.Operation)).ToList();
        Assert.NotEmpty(methods);
        Assert.Equal(KmsOperation.All.Values.Where(row => row.NeedsProof).Select(row => row.Name).Order(StringComparer.Ordinal), methods.Select(called => called.Operation).Distinct().Order(StringComparer.Ordinal));
        foreach (var (operation, method) in methods)
        {
            foreach (var proof in (AdministratorProof?[])[null, new("okms-forged-token-0123456789abcdef"u8.ToArray())])
            {
                var denied = await Record.ExceptionAsync(() => Attacks.Call(attacker, method, proof));
                Assert.True(denied is KmsException { Code: "permission_denied" }, $"{operation}: {denied}\n{attacked.Cluster}");
            }
        }

        Assert.Equal(before, await attacked.State());
        await StillServes(attacker);
    }

    /// <summary>The check knows the arguments of every method, with all that may be in them and with nothing.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhatGatewaysSend_IsAdmitted_WithAllThatMayBeInIt(bool isFull)
    {
        await using var gateway = await attacked.Connect("honest-" + (isFull ? "full" : "empty"));
        var refused = new List<string>();
        foreach (var method in ClientRights.OfClients.Concat(ClientRights.OfGateways).SelectMany(called => called.GetMethods()))
        {
            // By the grain, with an answer or its own refusal. What the check refuses has no answer.
            var answer = await Record.ExceptionAsync(() => Attacks.Call(gateway, method, key: "honest", isFull: isFull));
            if (answer is not (null or KmsException)) refused.Add($"{method.DeclaringType!.Name}.{method.Name}: {answer.Message}");
        }

        Assert.True(refused.Count == 0, $"{string.Join('\n', refused)}\n{string.Join('\n', attacked.First.Output.Where(line => line.Contains("CN=honest", StringComparison.Ordinal)))}");
    }

    [Fact]
    public async Task Service_DoesNotReachWhatIsForGateways()
    {
        var before = await attacked.State();
        foreach (var (operation, method) in ForGateways)
        {
            var name = "service-of-" + operation.Replace(':', '-') + "-" + method.DeclaringType!.Name;
            await using var service = await attacked.Connect(name, "okms:client");
            await Refused(name, Attacks.Call(service, method));
        }

        Assert.Equal(before, await attacked.State());
        await using var served = await attacked.Connect("service", "okms:client");
        await StillServes(served);
    }

    private async Task Refused(string certificate, Task attempt, ServiceProcess? silo = null)
    {
        silo ??= attacked.First;
        var refused = silo.UntilSaid($"CN={certificate} (");
        var first = await Task.WhenAny(refused, attempt);
        await first;
        Assert.True(first == refused, $"The attack succeeded.\n{attacked.Cluster}");
        var line = silo.Output.Single(said => said.Contains($"CN={certificate} (", StringComparison.Ordinal));
        Assert.Contains("warn", line, StringComparison.Ordinal);
        Assert.False(attempt.IsCompletedSuccessfully);
    }

    /// <summary>Both silos are there, and a key answers whoever may ask.</summary>
    private async Task StillServes(Attacker client)
    {
        Assert.Equal("attacked", (await Attacks.Describe(client, "attacked")).Id);
        foreach (var silo in attacked.Cluster.Processes)
        {
            Assert.Null(silo.ExitCode);
            await silo.Http.Describe("attacked");
        }
    }
}
