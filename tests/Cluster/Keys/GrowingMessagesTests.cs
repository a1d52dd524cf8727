using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>
/// What older silos would pass over reaches none of them: a message with limits or a rule travels by the interface that they lack, whoever
/// sends it by which method.
/// </summary>
public sealed class GrowingMessagesTests
{
    private static readonly ApprovalRule _rule = new(["destroy"], 1, ["alice"], TimeSpan.FromDays(7));

    [Fact]
    public async Task MessageWithLimitsOrARule_TravelsByTheNewerInterface_AndOthersDoNot()
    {
        using var directory = new TemporaryDirectory();
        var calls = new Calls();
        await using var silo = await TestSilo.Start(
            new() { DataDirectory = directory.Path }, services: services => services.AddSingleton<IIncomingGrainCallFilter>(calls));
        await silo.Create("plain");
        Assert.Equal(["IKeyGrain.Create"], calls.Take());
        var limited = await silo.Key("limited").Create(new() { Caller = TestSilo.Caller, Limits = [new(5, TimeSpan.FromHours(1))] });
        Assert.Equal(5, Assert.Single(limited.Limits!).Count);
        Assert.Equal(["IKeyApprovalsGrain.Create"], calls.Take());
        await silo.Key("ruled").Create(new() { Caller = TestSilo.Caller, Approval = _rule });
        Assert.Equal(["IKeyApprovalsGrain.Create"], calls.Take());

        await silo.Key("plain").Update(new() { Caller = TestSilo.Caller, Description = new(true, "d") });
        Assert.Equal(["IKeyGrain.Update"], calls.Take());
        await silo.Key("plain").Update(new() { Caller = TestSilo.Caller, Approval = new(true, _rule) });
        Assert.Equal(["IKeyApprovalsGrain.Update"], calls.Take());
        Assert.Null((await silo.Key("limited").Update(new() { Caller = TestSilo.Caller, Limits = new(true, null) })).Limits);
        Assert.Equal(["IKeyApprovalsGrain.Update"], calls.Take());

        // What is refused there is refused here, with the code of then.
        var refusal = await Assert.ThrowsAsync<KmsException>(() => silo.Key("limited").Create(new() { Caller = TestSilo.Caller, Approval = _rule }));
        Assert.Equal("key_exists", refusal.Code);
    }

    private sealed class Calls : IIncomingGrainCallFilter
    {
        private readonly ConcurrentQueue<string> _calls = new();

        public Task Invoke(IIncomingGrainCallContext context)
        {
            if (context.TargetId.Type.ToString() == "key") _calls.Enqueue($"{context.InterfaceMethod.DeclaringType!.Name}.{context.InterfaceMethod.Name}");
            return context.Invoke();
        }

        public string[] Take()
        {
            var taken = _calls.ToArray();
            _calls.Clear();
            return taken;
        }
    }
}
