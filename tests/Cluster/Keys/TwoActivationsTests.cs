using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>
/// Two activations of one key, of which one is held at every await of create, rotation and lease renewal while the other
/// works on. Whatever either acknowledged must hold afterwards.
/// </summary>
public sealed class TwoActivationsTests : IAsyncLifetime
{
    private static readonly byte[] _plaintext = "two activations of one key"u8.ToArray();
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("okms-two-");
    private readonly List<TestSilo> _silos = [];
    private string _database = "";

    public async Task InitializeAsync()
    {
        _database = await Postgres.NewDatabase();
        _silos.Add(await Silo());
        _silos.Add(await Silo());
    }

    public async Task DisposeAsync()
    {
        foreach (var silo in _silos)
        {
            await silo.DisposeAsync();
        }

        _root.Delete(recursive: true);
    }

    private Task<TestSilo> Silo() => TestSilo.Start(new()
    {
        ConnectionString = _database,
        DataDirectory = _root.FullName,
    });

    [Fact]
    public Task Create_HeldAtEachAwait_OneWinsAndNothingAcknowledgedIsLost() => AtEachAwait("create", async (held, other, id, seen) =>
    {
        await Task.CompletedTask;
        return (
            () => seen.Created(() => held.Create(id), "key_exists"),
            async () =>
            {
                await seen.Created(() => other.Create(id), "key_exists");
                await seen.Encrypt(other, id, 3);
                await seen.Rotate(other, id);
                await seen.Encrypt(other, id, 3);
            }
        );
    }, (_, seen) => Assert.True(seen.Creations == 1, $"{seen.Creations} creations were acknowledged"));

    /// <summary>Counters are left of an earlier attempt, so both go on step by step.</summary>
    [Fact]
    public Task CreateThatGoesOn_HeldAtEachAwait_OneWinsAndNothingAcknowledgedIsLost() => AtEachAwait("resume", async (held, other, id, seen) =>
    {
        var slot = new RowSlot<KeyUsageRow>(held.Rows, GrainId.Create("key", id), RowNames.KeyUsage);
        await slot.Write(new() { Incarnation = Incarnation.New(), Versions = [] });
        return (
            () => seen.Created(() => held.Create(id), "key_exists"),
            async () =>
            {
                await seen.Created(() => other.Create(id), "key_exists");
                await seen.Encrypt(other, id, 3);
                await seen.Rotate(other, id);
                await seen.Encrypt(other, id, 3);
            }
        );
    }, (_, seen) => Assert.True(seen.Creations == 1, $"{seen.Creations} creations were acknowledged"));

    [Fact]
    public Task Rotate_HeldAtEachAwait_NothingAcknowledgedIsLost() => AtEachAwait("rotate", async (held, other, id, seen) =>
    {
        await seen.Created(() => held.Create(id));
        await seen.Encrypt(held, id, 2);
        await seen.Encrypt(other, id, 2);
        return (
            () => seen.Rotate(held, id),
            async () =>
            {
                await seen.Rotate(other, id);
                await seen.Encrypt(other, id, 2);
                await seen.DestroyVersion(other, id, 1);
                await seen.Encrypt(other, id, 2);
            }
        );
    });

    [Fact]
    public Task Rotate_HeldWhileTheVersionThatItKeepsIsDestroyed_TheMaterialDoesNotComeBack() => AtEachAwait("destroy", async (held, other, id, seen) =>
    {
        await seen.Created(() => held.Create(id));
        await seen.Encrypt(held, id, 1);
        await seen.Encrypt(other, id, 1);
        return (
            () => seen.Rotate(held, id),
            async () =>
            {
                await seen.Rotate(other, id);
                await seen.DestroyVersion(other, id, 1);
            }
        );
    });

    [Fact]
    public Task LeaseRenewal_HeldAtEachAwait_NoUseIsLostAndNoVersionGoesBeyondItsPlan() => AtEachAwait("lease", async (held, other, id, seen) =>
    {
        // Blocks of at most four uses: five encryptions reserve 24 at most, so 30 more wait for reservations, however these ran before.
        await seen.Created(() => held.Create(id, new RotationPlan(null, 64)));
        await seen.Encrypt(held, id, 5);
        return (
            () => seen.EncryptUntil(held.Gate.Reached, held, id, atMost: 30),
            async () =>
            {
                await seen.Encrypt(other, id, 5);
                await seen.Rotate(other, id);
                await seen.Encrypt(other, id, 5);
            }
        );
    }, (_, seen) => Assert.All(seen.EncryptionsByVersion, v => Assert.InRange(v.Value, 1, 64)), points: 6);

    /// <summary>As where a silo stops and another has the key before its last write: that gives back, and the other goes on, exactly.</summary>
    [Theory]
    [InlineData(Taken.ToLookAt)]
    [InlineData(Taken.ToDecrypt)]
    [InlineData(Taken.ToEncrypt)]
    public async Task ASiloStopsAfterAnotherTookItsKey_CountsAreExact(Taken taken)
    {
        var (id, other) = ($"stopped.{taken}", _silos[0]);
        Encrypted encrypted;
        await using (var stopping = await Silo())
        {
            await stopping.Create(id);
            await stopping.Key(id).Encrypt(new(TestSilo.Caller, _plaintext));
            encrypted = await stopping.Key(id).Encrypt(new(TestSilo.Caller, _plaintext));
            await stopping.Key(id).Decrypt(new(TestSilo.Caller, encrypted.Ciphertext));
            var known = await other.Key(id).Describe(new(TestSilo.Caller));
            Assert.InRange(known.Uses.Encrypt, 3, long.MaxValue);
            if (taken == Taken.ToDecrypt) await other.Key(id).Decrypt(new(TestSilo.Caller, encrypted.Ciphertext));
            if (taken == Taken.ToEncrypt) await other.Key(id).Encrypt(new(TestSilo.Caller, _plaintext));
        }

        var (encryptions, decryptions) = (taken == Taken.ToEncrypt ? 3 : 2, taken == Taken.ToDecrypt ? 2 : 1);
        Assert.Equal((encryptions, decryptions), await Uses(other));
        await other.Key(id).Encrypt(new(TestSilo.Caller, _plaintext));
        await other.Key(id).Decrypt(new(TestSilo.Caller, encrypted.Ciphertext));
        Assert.Equal((encryptions + 1, decryptions + 1), await Uses(other));

        // The activation that went on, and ends now, has given back all that was reserved.
        await other.DisposeAsync();
        _silos[0] = await Silo();
        Assert.Equal((encryptions + 1, decryptions + 1), await Uses(_silos[0]));

        async Task<(long, long)> Uses(TestSilo silo)
        {
            var uses = (await silo.Key(id).Describe(new(TestSilo.Caller))).Uses;
            return (uses.Encrypt, uses.Decrypt);
        }
    }

    private async Task AtEachAwait(
        string name,
        Func<TestSilo, TestSilo, string, Acknowledged, Task<(Func<Task> Held, Func<Task> Meanwhile)>> arrange,
        Action<KeyDescription, Acknowledged>? alsoCheck = null,
        int points = int.MaxValue)
    {
        var reached = true;
        for (var point = 0; reached && point < points; point++)
        {
            var (held, other, id, seen) = (_silos[0], _silos[1], $"{name}.{point}", new Acknowledged());
            var (run, meanwhile) = await arrange(held, other, id, seen);
            held.Gate.HoldAt(point);
            var running = run();
            await Task.WhenAny(held.Gate.Reached, running);
            reached = held.Gate.Reached.IsCompleted;
            if (reached)
            {
                await meanwhile();
                held.Gate.Release();
            }
            else
            {
                Assert.True(point > 1, "no await was held");
            }

            await running;
            held.Gate.HoldAt(-1);
            await seen.Encrypt(held, id, 2);
            await seen.Encrypt(other, id, 2);

            // A third activation knows nothing but what is stored.
            await using var fresh = await Silo();
            var description = await fresh.Key(id).Describe(new(TestSilo.Caller));
            await seen.Check(fresh, id, description);
            alsoCheck?.Invoke(description, seen);
        }
    }

    /// <summary>Why another silo has the key already.</summary>
    public enum Taken
    {
        ToLookAt,
        ToDecrypt,
        ToEncrypt,
    }

    /// <summary>What was acknowledged to callers, to be held against what a fresh activation finds.</summary>
    private sealed class Acknowledged
    {
        private readonly List<Encrypted> _ciphertexts = [];
        private readonly HashSet<int> _versions = [];
        private readonly HashSet<int> _destroyed = [];

        public int Creations { get; private set; }

        public IReadOnlyDictionary<int, int> EncryptionsByVersion =>
            _ciphertexts.GroupBy(c => c.KeyVersion).ToDictionary(g => g.Key, g => g.Count());

        public Task Created(Func<Task<KeyDescription>> create, string? refusal = null) => Try(async () =>
        {
            _versions.Add((await create()).PrimaryVersion);
            Creations++;
        }, refusal);

        public async Task Encrypt(TestSilo silo, string id, int times)
        {
            for (var i = 0; i < times; i++)
            {
                await Try(async () => _ciphertexts.Add(await silo.Key(id).Encrypt(new(TestSilo.Caller, _plaintext))));
            }
        }

        public async Task EncryptUntil(Task held, TestSilo silo, string id, int atMost)
        {
            for (var i = 0; i < atMost && !held.IsCompleted; i++) await Encrypt(silo, id, 1);
        }

        public Task Rotate(TestSilo silo, string id) =>
            Try(async () => Assert.True(_versions.Add((await silo.Key(id).Rotate(new(TestSilo.Caller))).PrimaryVersion), "a version number was given twice"));

        public Task DestroyVersion(TestSilo silo, string id, int version) => Try(async () =>
        {
            await silo.DestroyVersion(id, version);
            _destroyed.Add(version);
        });

        public async Task Check(TestSilo fresh, string id, KeyDescription description)
        {
            Assert.NotEmpty(_ciphertexts);
            foreach (var encrypted in _ciphertexts)
            {
                var decrypt = async () => await fresh.Key(id).Decrypt(new(TestSilo.Caller, encrypted.Ciphertext));
                if (_destroyed.Contains(encrypted.KeyVersion))
                {
                    Assert.Equal("version_not_usable", (await Assert.ThrowsAsync<KmsException>(decrypt)).Code);
                }
                else
                {
                    Assert.Equal(_plaintext, (await decrypt()).Plaintext);
                }
            }

            Assert.Superset(_versions, description.Versions.Select(v => v.Version).ToHashSet());
            foreach (var (version, count) in EncryptionsByVersion)
            {
                Assert.True(description.Versions.Single(v => v.Version == version).Uses >= count, $"version {version} counts fewer uses than acknowledged");
            }

            foreach (var version in _destroyed)
            {
                Assert.Equal(KeyVersionState.Destroyed, description.Versions.Single(v => v.Version == version).State);
                var row = new RowSlot<KeyVersionRow>(fresh.Rows, GrainId.Create("key", id), RowNames.KeyVersion(version));
                await row.Read();
                Assert.Null(row.Row?.Material);
            }
        }

        // A refusal is no acknowledgement; anything else than an expected failure fails the test.
        private static async Task Try(Func<Task> operation, string? refusal = null)
        {
            try
            {
                await operation();
            }
            catch (KmsException e)
            {
                Assert.Contains(e.Code, refusal is not null ? [refusal] : new[] { "conflict", "key_not_found", "storage_unavailable", "version_not_usable" });
            }
        }
    }
}
