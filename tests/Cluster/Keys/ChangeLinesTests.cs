using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Keys;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>What a log that nobody reads stops: changes, before they are made, and nothing else.</summary>
public sealed class ChangeLinesTests : IAsyncLifetime, IDisposable
{
    private static readonly byte[] _plaintext = [1, 2, 3];

    private readonly TemporaryDirectory _directory = new();
    private readonly Sink _sink = new();
    private TestSilo _silo = null!;

    public async Task InitializeAsync() => _silo = await TestSilo.Start(
        new() { DataDirectory = _directory.Path }, keys: new() { MinDeletionDelay = TimeSpan.Zero },
        services: services => services.AddSingleton<IChangeSink>(_sink));

    public async Task DisposeAsync() => await _silo.DisposeAsync();

    public void Dispose()
    {
        _sink.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task NoRoom_ChangesAreRefusedAndNotMade_AndTheDataPlaneGoesOn()
    {
        var (key, planned, alias) = (_silo.Key("key"), _silo.Key("planned"), _silo.Grains.GetGrain<IAliasGrain>("alias"));
        await _silo.Create("key");
        await _silo.Create("planned", new RotationPlan(null, 2));
        await alias.Point(new(TestSilo.Caller, "key"));
        var ciphertext = (await key.Encrypt(new(TestSilo.Caller, _plaintext))).Ciphertext;
        var before = await key.Describe(new(TestSilo.Caller));

        _sink.HasRoom = false;
        Func<Task>[] changes =
        [
            () => _silo.Create("new"), () => key.Rotate(new(TestSilo.Caller)), () => key.Disable(new(TestSilo.Caller)),
            () => key.DisableVersion(new(TestSilo.Caller, 1)), () => key.ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromDays(1))),
            () => key.Update(new() { Caller = TestSilo.Caller, Description = new(true, "other") }),
            () => alias.Point(new(TestSilo.Caller, "planned")), () => alias.Remove(new(TestSilo.Caller)),
        ];
        foreach (var change in changes) Assert.Equal(KmsError.AuditUnavailable, (await Assert.ThrowsAsync<KmsException>(change)).Error);
        Assert.Equal(_plaintext, (await key.Decrypt(new(TestSilo.Caller, ciphertext))).Plaintext);
        await key.Encrypt(new(TestSilo.Caller, _plaintext));
        // A rotation by use is strict: a version is not used beyond what its plan says.
        for (var i = 0; i < 2; i++) await planned.Encrypt(new(TestSilo.Caller, _plaintext));
        Assert.Equal(KmsError.AuditUnavailable, (await Assert.ThrowsAsync<KmsException>(() => planned.Encrypt(new(TestSilo.Caller, _plaintext)).AsTask())).Error);
        Assert.Equal("key", (await alias.Resolve(new(TestSilo.Caller))).KeyId);
        Assert.Equal(KmsError.KeyNotFound, (await Assert.ThrowsAsync<KmsException>(() => _silo.Key("new").Describe(new(TestSilo.Caller)))).Error);
        var after = await key.Describe(new(TestSilo.Caller));
        Assert.Equal((before.State, before.PrimaryVersion, before.Description), (after.State, after.PrimaryVersion, after.Description));

        _sink.HasRoom = true;
        Assert.Equal(2, (await key.Rotate(new(TestSilo.Caller))).PrimaryVersion);
        await alias.Remove(new(TestSilo.Caller));
    }

    [Fact]
    public async Task DeletionThatIsDue_WaitsForRoom()
    {
        var key = _silo.Key("due");
        await _silo.Create("due");
        await key.ScheduleDeletion(new(TestSilo.Caller, TimeSpan.Zero));
        _sink.HasRoom = false;
        Assert.Equal(KeyState.PendingDeletion, (await key.Describe(new(TestSilo.Caller))).State);
        _sink.HasRoom = true;
        Assert.Equal(KeyState.Destroyed, (await key.Describe(new(TestSilo.Caller))).State);
    }

    [Fact]
    public async Task AChange_IsAnsweredAfterItsLineWasWritten()
    {
        await _silo.Create("waits");
        var written = new TaskCompletionSource();
        _sink.IsWritten = written.Task;
        var asked = _sink.Asked;
        var rotation = _silo.Key("waits").Rotate(new(TestSilo.Caller));
        await _sink.UntilAsked(asked + 1);
        Assert.False(rotation.IsCompleted);
        written.SetResult();
        Assert.Equal(2, (await rotation).PrimaryVersion);
    }

    private sealed class Sink : IChangeSink, IDisposable
    {
        private readonly SemaphoreSlim _ask = new(0);
        private int _asked;

        public bool HasRoom { get; set; } = true;

        public Task IsWritten { get; set; } = Task.CompletedTask;

        public int Asked => Volatile.Read(ref _asked);

        public void Dispose() => _ask.Dispose();

        public async Task UntilAsked(int times)
        {
            while (Asked < times) await _ask.WaitAsync(ServiceProcess.Patience);
        }

        public Task Written()
        {
            Interlocked.Increment(ref _asked);
            _ask.Release();
            return IsWritten;
        }
    }
}
