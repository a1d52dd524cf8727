using OrleansKms.Tests.Cluster.Faults;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>
/// What a warm encryption costs the silo beyond the call itself, with all that guards it: the key's own policy, its limits, and its
/// record in the audit trail. Alone, since what others do in this process is counted, too.
/// </summary>
[Collection(Alone.Name)]
public sealed class EncryptionMemoryTests : IAsyncLifetime
{
    private const int Calls = 2_000;
    private const int Rounds = 15;

    /// <summary>What the trail, which runs beside the calls, allocates a record; a decision or a count of its own would be more than the rest of it.</summary>
    private const int MaxBytes = 96;

    private static readonly byte[] _plaintext = new byte[64];
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("okms-memory-");
    private TestSilo _bare = null!;
    private TestSilo _guarded = null!;

    public async Task InitializeAsync()
    {
        _bare = await TestSilo.Start(new() { DataDirectory = _root.CreateSubdirectory("bare").FullName });
        var guarded = _root.CreateSubdirectory("guarded").FullName;
        _guarded = await TestSilo.Start(new() { DataDirectory = guarded }, audit: new() { Directory = Path.Combine(guarded, "audit"), CopyRate = 0 });
    }

    public async Task DisposeAsync()
    {
        await _bare.DisposeAsync();
        await _guarded.DisposeAsync();
        _root.Delete(recursive: true);
    }

    [Fact]
    public async Task PolicyLimitsAndAudit_AllocateNoMoreThanAFewBytesACall()
    {
        await _bare.Create("memory");
        await _guarded.Key("memory").Create(new()
        {
            Caller = TestSilo.Caller,
            Limits = [new(1_000_000_000, TimeSpan.FromDays(1)), new(1_000_000_000, TimeSpan.FromHours(1), "keys:encrypt")],
        });
        await _guarded.Grains.GetGrain<IKeyPolicyGrain>("memory").SetPolicy(new(TestSilo.Caller, PolicyText.Of(
        [
            new(PolicyEffect.Allow, ["*"], []) { Principals = ["app-*", TestSilo.Caller.Principal], When = new() { Specs = ["AES_256_GCM"], NotBefore = DateTimeOffset.UnixEpoch } },
            new(PolicyEffect.Deny, ["use"], []) { Principals = ["stranger"] },
        ])));
        var (bare, guarded) = (long.MaxValue, long.MaxValue);
        for (var round = 0; round < Rounds; round++)
        {
            bare = Math.Min(bare, await Allocated(_bare));
            guarded = Math.Min(guarded, await Allocated(_guarded));
        }

        Assert.True(guarded - bare <= MaxBytes, $"{bare} bytes a call, {guarded} with policy, limits and audit.");
    }

    // The least of several rounds is what the calls themselves take: leases grow, and code is compiled anew, only now and then.
    private static async Task<long> Allocated(TestSilo silo)
    {
        var key = silo.Key("memory");
        var request = new Encrypt(TestSilo.Caller, _plaintext);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        for (var i = 0; i < Calls; i++) await key.Encrypt(request);
        return (GC.GetTotalAllocatedBytes(precise: true) - before) / Calls;
    }
}
