using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Gateway.Cluster;
using OrleansKms.Gateway.Limits;
using OrleansKms.Tests.Unit.Policies;

namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>A request within its principal's limits and those of each of its namespaces, of which this gateway holds a block.</summary>
public sealed class SharedLimitsMemoryTests
{
    private const string Key = "payments.eu.cards";
    private static readonly TimeSpan _minute = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Use_WithinLimitsOfPrincipalAndNamespaces_CostsNoMemory()
    {
        var time = new FakeTimeProvider(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        LimitRule[] rules = [new(1_000_000, _minute), new(500_000, _minute, "keys:encrypt"), new(1_000, _minute, "manage")];
        using var namespaces = new NamespaceRules(
            new(Grains(new("payments", rules), new("payments.eu", rules), new("other", rules))), ClusterLink.InProcess, time, NullLogger<NamespaceRules>.Instance);
        await namespaces.Fetch(default);
        var reserved = 0;
        var limits = new SharedLimits(
            (_, _) =>
            {
                reserved++;
                return Task.FromResult<ReservedUses?>(new(10_000, 1, _minute));
            },
            namespaces, time);
        await limits.Take("app", rules, KmsOperation.Encrypt, Key, 1);

        // Two of the principal, and two of each of its namespaces: what concerns other operations and other keys was not asked for.
        Assert.Equal(6, reserved);
        Assert.Equal(0, Allocations.Least(() =>
        {
            for (var i = 0; i < 400; i++)
            {
                var taking = limits.Take("app", rules, KmsOperation.Encrypt, Key, 1);
                Assert.True(taking.IsCompletedSuccessfully);
            }
        }));
        Assert.Equal(6, reserved);
    }

    private static IGrainFactory Grains(params NamespaceLimits[] limits) => FakeGrain.Of<IGrainFactory>((asked, _) =>
        FakeGrain.Of(asked.ReturnType, (_, _) => Task.FromResult(new AllNamespaceLimits(1, limits))));
}
