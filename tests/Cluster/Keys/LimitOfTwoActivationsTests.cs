namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>A key's own limit while two activations of it answer, one of which is held wherever it waits for the database.</summary>
public sealed class LimitOfTwoActivationsTests : IAsyncLifetime
{
    private const int Limit = 12;
    private static readonly byte[] _plaintext = "a key with a limit"u8.ToArray();

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("okms-two-");
    private TestSilo _held = null!;
    private TestSilo _other = null!;

    public async Task InitializeAsync()
    {
        var database = await Postgres.NewDatabase();
        _held = await TestSilo.Start(new() { ConnectionString = database, DataDirectory = _root.FullName });
        _other = await TestSilo.Start(new() { ConnectionString = database, DataDirectory = _root.FullName });
    }

    public async Task DisposeAsync()
    {
        await _held.DisposeAsync();
        await _other.DisposeAsync();
        _root.Delete(recursive: true);
    }

    [Fact]
    public async Task Uses_OfBoth_AreNeverMoreThanTheLimit()
    {
        for (var point = 0; point < 8; point++)
        {
            var id = $"two.{point}";
            await _held.Key(id).Create(new() { Caller = TestSilo.Caller, Limits = [new(Limit, TimeSpan.FromHours(1))] });
            var made = await Encrypt(_held, id, 2) + await Encrypt(_other, id, 2);
            _held.Gate.HoldAt(point);
            var running = Encrypt(_held, id, 4);
            await Task.WhenAny(_held.Gate.Reached, running);
            made += await Encrypt(_other, id, 3);
            _held.Gate.HoldAt(-1);
            made += await running;
            for (var i = 0; i < Limit; i++)
            {
                made += await Encrypt(_held, id, 1) + await Encrypt(_other, id, 1);
            }

            Assert.InRange(made, Limit / 2, Limit);
            foreach (var silo in new[] { _held, _other })
            {
                Assert.Equal("rate_limited", (await Assert.ThrowsAsync<KmsException>(() => One(silo, id))).Code);
            }
        }
    }

    private static Task<Encrypted> One(TestSilo silo, string id) => silo.Key(id).Encrypt(new(TestSilo.Caller, _plaintext)).AsTask();

    private static async Task<int> Encrypt(TestSilo silo, string id, int times)
    {
        var made = 0;
        for (var i = 0; i < times; i++)
        {
            made += await Record.ExceptionAsync(() => One(silo, id)) switch
            {
                null => 1,
                KmsException { Code: "rate_limited" or "conflict" or "storage_unavailable" } => 0,
                var unexpected => throw unexpected,
            };
        }

        return made;
    }
}
