using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using OrleansKms.Grains.Audit;
using OrleansKms.Grains.Clocks;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>
/// Two activations of one key on two silos that do not know of each other. Polls are made by hand: the interval is so long that
/// none comes by itself after the first.
/// </summary>
public sealed class FenceTests : IAsyncLifetime
{
    private static readonly byte[] _plaintext = "a key behind a fence"u8.ToArray();
    private static readonly FenceOptions _options = new() { Interval = TimeSpan.FromSeconds(30), Grace = TimeSpan.FromMinutes(5) };
    private static readonly TimeSpan _tooLong = TimeSpan.FromSeconds(91);

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("okms-fence-");
    private readonly MovedClock _clock = new();
    private readonly ObservedProvider _provider = new();
    private string _database = "";
    private TestSilo _stale = null!;
    private TestSilo _other = null!;

    private HeldQuery Polls => (HeldQuery)_stale.Services.GetRequiredService<FenceQuery>();

    public async Task InitializeAsync()
    {
        _database = await Postgres.NewDatabase();
        _stale = await Silo();
        _other = await Silo();
    }

    public async Task DisposeAsync()
    {
        await _stale.DisposeAsync();
        await _other.DisposeAsync();
        _root.Delete(recursive: true);
    }

    private Task<TestSilo> Silo() => TestSilo.Start(
        new() { ConnectionString = _database, DataDirectory = _root.FullName, Fence = _options },
        services: services => _provider.Add(services.AddSingleton<BootClock>(_clock).AddSingleton<FenceQuery, HeldQuery>()));

    [Fact]
    public async Task Disable_ByTheOther_TakesEffectWithTheNextPollAndEndsTheActivation()
    {
        var encrypted = await Create("off");
        var mark = Mark("off");
        await _other.Key("off").Disable(new(TestSilo.Caller));
        Assert.Equal(_plaintext, await Decrypt("off", encrypted));

        await _stale.Fence.NextPoll();
        await Refused("key_disabled", () => Decrypt("off", encrypted));
        Assert.Equal(1, _stale.Fence.EndedCount);
        Assert.NotSame(mark, Mark("off"));
    }

    [Fact]
    public async Task DestroyVersion_ByTheOther_TakesEffectWithTheNextPoll()
    {
        var encrypted = await Create("gone");
        await _other.Key("gone").Rotate(new(TestSilo.Caller));
        await _other.DestroyVersion("gone", 1);
        Assert.Equal(_plaintext, await Decrypt("gone", encrypted));

        await _stale.Fence.NextPoll();
        await Refused("version_not_usable", () => Decrypt("gone", encrypted));
    }

    [Fact]
    public async Task Alias_MovedAndRemovedByTheOther_TakesEffectWithTheNextPoll()
    {
        await Create("a1");
        await Create("a2");
        var (here, there) = (Alias(_stale), Alias(_other));
        await here.Point(new(TestSilo.Caller, "a1"));
        await there.Point(new(TestSilo.Caller, "a2"));
        Assert.Equal("a1", (await here.Resolve(new(TestSilo.Caller))).KeyId);

        await _stale.Fence.NextPoll();
        Assert.Equal("a2", (await here.Resolve(new(TestSilo.Caller))).KeyId);

        await there.Remove(new(TestSilo.Caller));
        Assert.Equal("a2", (await here.Resolve(new(TestSilo.Caller))).KeyId);
        await _stale.Fence.NextPoll();
        await Refused("alias_not_found", async () => await here.Resolve(new(TestSilo.Caller)));
        Assert.Equal("a1", (await here.Point(new(TestSilo.Caller, "a1"))).KeyId);

        static IAliasGrain Alias(TestSilo silo) => silo.Grains.GetGrain<IAliasGrain>("billing");
    }

    [Fact]
    public async Task Answer_WhoseRecordTookTooLong_IsWithheld_EvenIfNothingWasWaitedFor()
    {
        var time = new SlowTime();
        await using var audited = await TestSilo.Start(
            new() { ConnectionString = _database, DataDirectory = _root.FullName, Fence = _options },
            services: services => _provider.Add(services.AddSingleton<BootClock>(_clock).AddSingleton<FenceQuery, HeldQuery>()
                .AddSingleton(provider => ActivatorUtilities.CreateInstance<AuditLog>(provider, time))),
            audit: new() { Directory = Path.Combine(_root.FullName, "audit") });
        await audited.Create("recorded");
        var encrypted = await audited.Key("recorded").Encrypt(new(TestSilo.Caller, _plaintext));
        await _other.Key("recorded").Disable(new(TestSilo.Caller));

        // Only the audit trail has this clock: it is the record that takes long.
        _provider.OnNextCall(() => time.OnNextRead(() => _clock.Advance(_tooLong)));
        await Refused("unavailable", async () => await audited.Key("recorded").Decrypt(new(TestSilo.Caller, encrypted.Ciphertext)));
        await Refused("key_disabled", async () => await audited.Key("recorded").Decrypt(new(TestSilo.Caller, encrypted.Ciphertext)));
    }

    public static TheoryData<string> Reversals => new(ReversedChanges.Keys);

    // What one silo does, and what then changes nothing, or is refused, as the other remembers the key.
    private static Dictionary<string, (Func<IKeyGrain, Task> There, Func<IKeyGrain, Task<KeyDescription>> Here, KeyState State)> ReversedChanges { get; } = new()
    {
        ["enable"] = (key => key.Disable(new(TestSilo.Caller)), key => key.Enable(new(TestSilo.Caller)), KeyState.Enabled),
        ["disable"] = (key => key.Enable(new(TestSilo.Caller)), key => key.Disable(new(TestSilo.Caller)), KeyState.Disabled),
        ["cancel deletion"] = (
            key => key.ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromDays(7))), key => key.CancelDeletion(new(TestSilo.Caller)), KeyState.Disabled),
    };

    [Theory]
    [MemberData(nameof(Reversals))]
    public async Task ChangeThatChangesNothingAsItIsRemembered_GoesByWhatIsStored(string operation)
    {
        var (there, here, state) = ReversedChanges[operation];
        await _stale.Create("reversed");
        if (operation == "disable")
        {
            await _stale.Key("reversed").Disable(new(TestSilo.Caller));
        }

        var mark = Mark("reversed");
        await there(_other.Key("reversed"));

        Assert.Equal(state, (await here(_stale.Key("reversed"))).State);
        Assert.Same(mark, Mark("reversed"));
        await _other.Fence.NextPoll();
        Assert.Equal(state, (await _other.Key("reversed").Describe(new(TestSilo.Caller))).State);
    }

    [Fact]
    public async Task AliasRemovedWhereItIsRememberedAsGone_IsRemoved()
    {
        await Create("a3");
        var (here, there) = (_stale.Grains.GetGrain<IAliasGrain>("again"), _other.Grains.GetGrain<IAliasGrain>("again"));
        await Refused("alias_not_found", () => here.Remove(new(TestSilo.Caller)));
        await there.Point(new(TestSilo.Caller, "a3"));
        await here.Remove(new(TestSilo.Caller));
        await _other.Fence.NextPoll();
        await Refused("alias_not_found", async () => await there.Resolve(new(TestSilo.Caller)));
    }

    public static TheoryData<string> Operations => new(FrozenOperations.Keys);

    private static Dictionary<string, Func<IKeyGrain, Encrypted, Task>> FrozenOperations { get; } = new()
    {
        ["encrypt"] = async (key, _) => await key.Encrypt(new(TestSilo.Caller, _plaintext)),
        ["decrypt"] = async (key, encrypted) => await key.Decrypt(new(TestSilo.Caller, encrypted.Ciphertext)),
        ["rewrap"] = async (key, encrypted) => await key.Rewrap(new(TestSilo.Caller, encrypted.Ciphertext)),
        ["data key"] = async (key, _) => await key.GenerateDataKey(new(TestSilo.Caller, 32, true)),
        ["encrypt batch"] = async (key, _) => await key.EncryptBatch(new(TestSilo.Caller, [new(_plaintext), new(_plaintext)])),
        ["decrypt batch"] = async (key, encrypted) => await key.DecryptBatch(new(TestSilo.Caller, [new(encrypted.Ciphertext)])),
        ["rewrap batch"] = async (key, encrypted) => await key.RewrapBatch(new(TestSilo.Caller, [new(encrypted.Ciphertext)])),
        ["validate"] = async (key, _) => ThrowIf((await key.Validate(new(TestSilo.Caller))).Error),
        ["describe"] = async (key, _) =>
            ThrowIf((await key.Describe(new(TestSilo.Caller))).State == KeyState.Disabled ? "key_disabled" : null),
        ["change of nothing"] = async (key, _) =>
            ThrowIf((await key.Update(new() { Caller = TestSilo.Caller })).State == KeyState.Disabled ? "key_disabled" : null),
    };

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task Frozen_ThenWoken_NothingIsAnsweredFromTheOldStateButAPollIsAwaited(string operation)
    {
        var encrypted = await Create("frozen");
        await _stale.Key("frozen").Describe(new(TestSilo.Caller));
        await _other.Key("frozen").Disable(new(TestSilo.Caller));
        Polls.Hold();
        _clock.Advance(_tooLong);

        var answer = FrozenOperations[operation](_stale.Key("frozen"), encrypted);
        await Polls.Began;
        Assert.False(answer.IsCompleted);
        Polls.Release();
        await Refused("key_disabled", () => answer);
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task Frozen_ThenWokenWithNothingChanged_AnswersAfterThePoll(string operation)
    {
        var encrypted = await Create("thawed");
        await _stale.Key("thawed").Describe(new(TestSilo.Caller));
        Polls.Hold();
        _clock.Advance(_tooLong);

        var answer = FrozenOperations[operation](_stale.Key("thawed"), encrypted);
        await Polls.Began;
        Assert.False(answer.IsCompleted);
        Polls.Release();
        await answer;
        Assert.Equal(0, _stale.Fence.EndedCount);
    }

    [Fact]
    public async Task FrozenWithinAnOperation_WhatIsWithheldAndMadeAnewIsCountedOnce()
    {
        var counted = new List<(string Operation, long Encryptions, long Decryptions)>
        {
            ("encrypt", 1, 0), ("rewrap", 1, 0), ("data key", 1, 0), ("decrypt", 0, 1), ("encrypt batch", 2, 0), ("rewrap batch", 1, 0),
            ("decrypt batch", 0, 1),
        };
        var measured = new List<(string Operation, long Encryptions, long Decryptions)>();
        foreach (var (operation, _, _) in counted)
        {
            var id = "counted." + operation.Replace(' ', '.');
            var encrypted = await Create(id);
            await _other.Key(id).Update(new() { Caller = TestSilo.Caller, Description = new(true, "changed") });
            using var uses = new UseMeasurements(id);
            _provider.OnNextCall(() => _clock.Advance(_tooLong));
            var calls = _provider.Calls;
            await FrozenOperations[operation](_stale.Key(id), encrypted);
            Assert.True(_provider.Calls - calls > 1, "it was not made anew");
            measured.Add((operation, uses.Encryptions, uses.Decryptions));
        }

        Assert.Equal(counted, measured);
    }

    [Fact]
    public async Task Frozen_ThenWoken_WhatWasMadeMeanwhileIsNotRefused()
    {
        await Create("rotated");
        await _stale.Key("rotated").Describe(new(TestSilo.Caller));
        await _other.Key("rotated").Rotate(new(TestSilo.Caller));
        var encrypted = await _other.Key("rotated").Encrypt(new(TestSilo.Caller, _plaintext));
        Polls.Hold();
        _clock.Advance(_tooLong);

        var answer = Decrypt("rotated", encrypted);
        await Polls.Began;
        Assert.False(answer.IsCompleted);
        Polls.Release();
        Assert.Equal(_plaintext, await answer);
    }

    [Fact]
    public async Task PollThatBeganBeforeTheFreeze_IsNotEnough()
    {
        var encrypted = await Create("old.poll");
        Polls.Hold();
        var old = _stale.Fence.NextPoll();
        await Polls.Began;
        _clock.Advance(_tooLong);
        var answer = Decrypt("old.poll", encrypted);
        var held = Polls;
        held.Release();
        await old;
        held.Hold();

        // The next poll either was held, or had begun before and after the freeze; both are recent.
        await Task.WhenAny(answer, held.Began);
        held.Release();
        Assert.Equal(_plaintext, await answer);
    }

    [Fact]
    public async Task Database_OutOfReach_GoesOnWithinTheGraceAndRefusesBeyondIt()
    {
        var encrypted = await Create("grace");
        await _stale.Fence.NextPoll();
        Polls.Fails = true;
        for (var minutes = 0; minutes < 4; minutes += 2)
        {
            _clock.Advance(TimeSpan.FromMinutes(2));
            Assert.Equal(_plaintext, await Decrypt("grace", encrypted));
            await _stale.Key("grace").Encrypt(new(TestSilo.Caller, _plaintext));
        }

        _clock.Advance(TimeSpan.FromMinutes(2));
        await Refused("storage_unavailable", () => Decrypt("grace", encrypted));
        await Refused("storage_unavailable", async () => await _stale.Key("grace").Encrypt(new(TestSilo.Caller, _plaintext)));
        await Refused("storage_unavailable", () => _stale.Key("grace").Describe(new(TestSilo.Caller)));

        Polls.Fails = false;
        await _stale.Fence.NextPoll();
        Assert.Equal(_plaintext, await Decrypt("grace", encrypted));
    }

    [Fact]
    public async Task OwnWrites_UnderLoadAndConstantPolls_EndNoActivation()
    {
        var ids = Enumerable.Range(0, 6).Select(i => $"busy.{i}").ToArray();
        var encrypted = await Task.WhenAll(ids.Select(Create));
        using var done = new CancellationTokenSource();
        var polls = 0;
        var polling = Task.Run(async () =>
        {
            while (!done.IsCancellationRequested)
            {
                await _stale.Fence.NextPoll();
                polls++;
            }
        });
        await Task.WhenAll(ids.Select((id, i) => Task.WhenAll(Change(id), Read(id, encrypted[i]))));
        await done.CancelAsync();
        await polling;

        Assert.True(polls > 20, $"only {polls} polls");
        Assert.Equal(0, _stale.Fence.EndedCount);

        async Task Change(string id)
        {
            for (var i = 0; i < 25; i++)
            {
                await _stale.Key(id).Rotate(new(TestSilo.Caller));
                await _stale.Key(id).Encrypt(new(TestSilo.Caller, _plaintext));
            }
        }

        async Task Read(string id, Encrypted ciphertext)
        {
            for (var i = 0; i < 200; i++)
            {
                Assert.Equal(_plaintext, await Decrypt(id, ciphertext));
            }
        }
    }

    [Fact]
    public async Task OwnWrite_SeenByAPollBeforeItsAnswerCame_CountsForInterleavedDecryptionsAndEndsNothing()
    {
        var encrypted = await Create("in.flight");
        await _stale.Key("in.flight").Describe(new(TestSilo.Caller));

        // Committed, and the activation has not heard of it.
        _stale.Gate.HoldAt(1);
        var disabling = _stale.Key("in.flight").Disable(new(TestSilo.Caller));
        await _stale.Gate.Reached;
        Assert.Equal(_plaintext, await Decrypt("in.flight", encrypted));
        await _stale.Fence.NextPoll();
        await Refused("key_disabled", () => Decrypt("in.flight", encrypted));
        _stale.Gate.Release();

        Assert.Equal(KeyState.Disabled, (await disabling).State);
        Assert.Equal(KeyState.Enabled, (await _stale.Key("in.flight").Enable(new(TestSilo.Caller))).State);
        Assert.Equal(_plaintext, await Decrypt("in.flight", encrypted));
        await _stale.Fence.NextPoll();
        Assert.Equal(0, _stale.Fence.EndedCount);
    }

    [Fact]
    public async Task OthersWrite_SeenByAPollWhileAnOwnWriteHangs_CountsForInterleavedDecryptions()
    {
        var encrypted = await Create("hangs");
        await _stale.Key("hangs").Describe(new(TestSilo.Caller));
        _stale.Gate.HoldAt(0);
        var rotating = _stale.Key("hangs").Update(new() { Caller = TestSilo.Caller, Description = new(true, "late") });
        await _stale.Gate.Reached;
        await _other.Key("hangs").Disable(new(TestSilo.Caller));
        await _stale.Fence.NextPoll();
        await Refused("key_disabled", () => Decrypt("hangs", encrypted));
        _stale.Gate.Release();
        await Refused("conflict", () => rotating);
        Assert.Equal(KeyState.Disabled, (await _stale.Key("hangs").Describe(new(TestSilo.Caller))).State);
    }

    [Fact]
    public async Task Change_PreparedFromARowThatAnInterleavedReadReplaced_IsRefusedAndOverwritesNothing()
    {
        await Create("prepared");
        var encrypted = await _stale.Key("prepared").Encrypt(new(TestSilo.Caller, _plaintext));

        // Held before the older version's row is written, which is before the commit.
        _stale.Gate.HoldAt(0);
        var rotating = _stale.Key("prepared").Rotate(new(TestSilo.Caller));
        await _stale.Gate.Reached;
        await _other.Key("prepared").Disable(new(TestSilo.Caller));
        Mark("prepared")!.Compare(0);
        await Refused("key_disabled", () => Decrypt("prepared", encrypted));
        _stale.Gate.Release();
        await Refused("conflict", () => rotating);
        Assert.Equal(KeyState.Disabled, (await _other.Key("prepared").Describe(new(TestSilo.Caller))).State);
        Assert.Equal(1, (await _stale.Key("prepared").Describe(new(TestSilo.Caller))).PrimaryVersion);
    }

    [Fact]
    public async Task Change_PreparedFromARowThatAnInterleavedReadFoundUnchanged_IsMade()
    {
        await Create("same");
        var encrypted = await _stale.Key("same").Encrypt(new(TestSilo.Caller, _plaintext));
        _stale.Gate.HoldAt(0);
        var rotating = _stale.Key("same").Rotate(new(TestSilo.Caller));
        await _stale.Gate.Reached;
        Mark("same")!.Compare(0);
        Assert.Equal(_plaintext, await Decrypt("same", encrypted));
        Assert.False(Mark("same")!.IsBehind);
        _stale.Gate.Release();
        Assert.Equal(2, (await rotating).PrimaryVersion);
    }

    [Fact]
    public async Task RowCommittedLate_AfterPollsThatCouldNotSeeIt_IsStillSeen()
    {
        var encrypted = await Create("late");
        await using var source = NpgsqlDataSource.Create(_database);
        var before = await Payload(source, "late");
        await _other.Key("late").Disable(new(TestSilo.Caller));
        var disabled = await Payload(source, "late");
        await using (var back = source.CreateCommand("UPDATE okms_row SET payload = $1, version = 1 WHERE row_name = 'key' AND grain_key = '=late'"))
        {
            back.Parameters.Add(new() { Value = before });
            await back.ExecuteNonQueryAsync();
        }

        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var change = new NpgsqlCommand(
            "UPDATE okms_row SET payload = $1, version = 2, modified_at = '2020-01-01' WHERE row_name = 'key' AND grain_key = '=late'", connection);
        change.Parameters.Add(new() { Value = disabled });
        Assert.Equal(1, await change.ExecuteNonQueryAsync());
        for (var i = 0; i < 3; i++)
        {
            await Create($"later.{i}");
            await _other.Key($"later.{i}").Disable(new(TestSilo.Caller));
            await _stale.Fence.NextPoll();
        }

        Assert.Equal(3, _stale.Fence.EndedCount);
        Assert.Equal(_plaintext, await Decrypt("late", encrypted));
        await transaction.CommitAsync();
        await _stale.Fence.NextPoll();
        await Refused("key_disabled", () => Decrypt("late", encrypted));
        Assert.Equal(4, _stale.Fence.EndedCount);
    }

    [Fact]
    public async Task TransactionThatStaysOpen_MakesNoPollReadAgainWhatAnotherHasRead()
    {
        await using var source = NpgsqlDataSource.Create(_database);
        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var held = new NpgsqlCommand("SELECT pg_current_xact_id()", connection);
        await held.ExecuteScalarAsync();
        for (var i = 0; i < 5; i++)
        {
            await _other.Create($"meanwhile.{i}");
        }

        await _stale.Fence.NextPoll();
        var read = Polls.RowsRead;
        Assert.True(read >= 5, $"only {read} rows");
        for (var i = 0; i < 3; i++)
        {
            await _stale.Fence.NextPoll();
        }

        Assert.Equal(read, Polls.RowsRead);
    }

    [Fact]
    public async Task Failover_ToAServerThatGaveTransactionNumbersAgain_ComparesAllRows()
    {
        var encrypted = await Create("failed.over");
        await Create("untouched");
        await _other.Key("failed.over").Disable(new(TestSilo.Caller));
        await using var source = NpgsqlDataSource.Create(_database);
        await using (var number = source.CreateCommand(
            "ALTER TABLE okms_row DISABLE TRIGGER okms_row_note_transaction; UPDATE okms_row SET modified_xid = '3' WHERE row_name = 'key' AND grain_key = '=failed.over'"))
        {
            await number.ExecuteNonQueryAsync();
        }

        await _stale.Fence.NextPoll();
        Assert.Equal(_plaintext, await Decrypt("failed.over", encrypted));
        Polls.Failover = true;
        await _stale.Fence.NextPoll();
        await Refused("key_disabled", () => Decrypt("failed.over", encrypted));
        Assert.Equal(1, _stale.Fence.EndedCount);
    }

    [Fact]
    public async Task Activations_ThatAreOver_AreForgotten()
    {
        await Create("over");
        await Refused("key_not_found", () => _stale.Key("never").Describe(new(TestSilo.Caller)));
        var management = _stale.Grains.GetGrain<IManagementGrain>(0);
        await management.ForceActivationCollection(TimeSpan.Zero);
        Assert.True(SpinWait.SpinUntil(() => !_stale.Fence.Marks.Any(), TimeSpan.FromSeconds(30)));
    }

    private async Task<Encrypted> Create(string id)
    {
        await _stale.Create(id);
        var encrypted = await _stale.Key(id).Encrypt(new(TestSilo.Caller, _plaintext));
        Assert.Equal(_plaintext, await Decrypt(id, encrypted));
        return encrypted;
    }

    private async Task<byte[]> Decrypt(string id, Encrypted encrypted) =>
        (await _stale.Key(id).Decrypt(new(TestSilo.Caller, encrypted.Ciphertext))).Plaintext;

    private FenceMark? Mark(string id) => _stale.Fence.Find(GrainId.Create("key", id));

    private static async Task<byte[]> Payload(NpgsqlDataSource source, string id)
    {
        await using var command = source.CreateCommand("SELECT payload FROM okms_row WHERE row_name = 'key' AND grain_key = $1");
        command.Parameters.Add(new() { Value = "=" + id });
        return (byte[])(await command.ExecuteScalarAsync())!;
    }

    private static void ThrowIf(string? code)
    {
        if (code is not null)
        {
            throw KmsError.All[code].Exception();
        }
    }

    private static async Task Refused(string code, Func<Task> operation) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<KmsException>(operation)).Code);

    /// <summary>The real time, which a test can let take long to read, once and in its own thread.</summary>
    private sealed class SlowTime : TimeProvider
    {
        private (int Thread, Action Action)? _onNextRead;

        public void OnNextRead(Action action) => _onNextRead = (Environment.CurrentManagedThreadId, action);

        public override DateTimeOffset GetUtcNow()
        {
            if (_onNextRead is var (thread, action) && thread == Environment.CurrentManagedThreadId)
            {
                _onNextRead = null;
                action();
            }

            return base.GetUtcNow();
        }
    }

    /// <summary>What is measured as a success of one key, by both silos.</summary>
    private sealed class UseMeasurements : IDisposable
    {
        private readonly MeterListener _listener = new();
        private long _encryptions;
        private long _decryptions;

        public UseMeasurements(string id)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == KeyInstruments.MeterName && instrument.Name is "encryptions" or "decryptions")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            {
                if (Has(tags, "key_id", id) && Has(tags, "status", "success"))
                {
                    Interlocked.Add(ref instrument.Name == "encryptions" ? ref _encryptions : ref _decryptions, value);
                }
            });
            _listener.Start();
        }

        public long Encryptions => Interlocked.Read(ref _encryptions);

        public long Decryptions => Interlocked.Read(ref _decryptions);

        public void Dispose() => _listener.Dispose();

        private static bool Has(ReadOnlySpan<KeyValuePair<string, object?>> tags, string name, string value)
        {
            foreach (var tag in tags)
            {
                if (tag.Key == name && Equals(tag.Value, value))
                {
                    return true;
                }
            }

            return false;
        }
    }
}
