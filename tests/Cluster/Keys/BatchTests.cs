using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>What the items of a batch cost their key: each runs once, whether it succeeds or fails.</summary>
public sealed class BatchTests : IAsyncLifetime
{
    private static readonly byte[] _plaintext = "an item"u8.ToArray();

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("okms-batch-");
    private readonly CountingProvider _provider = new();
    private TestSilo _silo = null!;

    public async Task InitializeAsync() => _silo = await TestSilo.Start(new() { DataDirectory = _folder.FullName }, services: services =>
    {
        services.Remove(services.Single(s => s.ServiceType == typeof(IKeyProvider) && s.ImplementationType is not null));
        services.AddSingleton<IKeyProvider>(_provider);
    });

    public async Task DisposeAsync()
    {
        await _silo.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task DecryptBatch_OfForgeries_OpensEachOnce()
    {
        var (key, good, forged) = await Key("forgeries");
        var calls = _provider.Calls;
        var results = await key.DecryptBatch(new(TestSilo.Caller, [new(forged), new(good), new(forged)]));
        Assert.Equal(["invalid_ciphertext", null, "invalid_ciphertext"], results.Select(r => r.Error?.Code));
        Assert.Equal(_plaintext, results[1].Value!.Plaintext);
        Assert.Equal(3, _provider.Calls - calls);
        Assert.Equal(1, (await Uses(key)).Decrypt);
    }

    [Fact]
    public async Task RewrapBatch_WhereEverythingIsReady_OpensEachOnceAndSpendsAUseForEachThatSucceeds()
    {
        var (key, good, forged) = await Key("rewraps");
        var before = await Uses(key);
        var calls = _provider.Calls;
        var results = await key.RewrapBatch(new(TestSilo.Caller, [new(forged), new(good), new(good, new byte[KmsLimits.AssociatedDataBytes + 1]), new(good)]));
        Assert.Equal(["invalid_ciphertext", null, "payload_too_large", null], results.Select(r => r.Error?.Code));

        // The forgery is opened, the two good ones are opened and encrypted, and what is too large reaches no cipher.
        Assert.Equal(5, _provider.Calls - calls);
        var after = await Uses(key);
        Assert.Equal((2, 2), (after.Encrypt - before.Encrypt, after.Decrypt - before.Decrypt));
        var opened = await key.DecryptBatch(new(TestSilo.Caller, [new(results[1].Value!.Ciphertext), new(results[3].Value!.Ciphertext)]));
        Assert.All(opened, item => Assert.Equal(_plaintext, item.Value!.Plaintext));
    }

    [Fact]
    public async Task RewrapBatch_AcrossAPlannedRotation_SpendsExactlyEachVersionsUses()
    {
        await _silo.Create("planned", new(null, 3));
        var key = _silo.Key("planned");
        var first = await key.Encrypt(new(TestSilo.Caller, _plaintext));
        var calls = _provider.Calls;
        var results = await key.RewrapBatch(new(TestSilo.Caller, [.. Enumerable.Repeat(new DecryptItem(first.Ciphertext), 4)]));
        Assert.Equal([1, 1, 2, 2], results.Select(r => r.Value!.KeyVersion));
        Assert.Equal(8, _provider.Calls - calls);
        Assert.Equal([3, 2], (await key.Describe(new(TestSilo.Caller))).Versions.Select(v => v.Uses));
    }

    [Fact]
    public async Task EncryptBatch_OfItemsThatBreakARule_SpendsNothingForThem()
    {
        var (key, _, _) = await Key("rules");
        var before = await Uses(key);
        var results = await key.EncryptBatch(new(TestSilo.Caller, [new([]), new(_plaintext), new(_plaintext, new byte[KmsLimits.AssociatedDataBytes + 1])]));
        Assert.Equal(["invalid_parameter", null, "payload_too_large"], results.Select(r => r.Error?.Code));
        Assert.Equal(1, (await Uses(key)).Encrypt - before.Encrypt);
    }

    private async Task<(IKeyGrain Key, byte[] Good, byte[] Forged)> Key(string id)
    {
        await _silo.Create(id);
        var key = _silo.Key(id);
        var good = (await key.Encrypt(new(TestSilo.Caller, _plaintext))).Ciphertext;
        var forged = good.ToArray();
        forged[^1] ^= 1;
        return (key, good, forged);
    }

    private static async Task<KeyUses> Uses(IKeyGrain key) => (await key.Describe(new(TestSilo.Caller))).Uses;

    /// <summary>Keys in this process, with a count of what was asked of their ciphers.</summary>
    private sealed class CountingProvider : IKeyProvider
    {
        private readonly SoftwareKeyProvider _inner = new();
        private int _calls;

        public int Calls => Volatile.Read(ref _calls);

        public KeyProtection Protection => _inner.Protection;

        public bool AnswersAtOnce => true;

        public int Parallelism => _inner.Parallelism;

        public bool IsAvailable => true;

        public bool Supports(KeyAlgorithm algorithm) => _inner.Supports(algorithm);

        public ValueTask<SecretBytes> Generate(KeyAlgorithm algorithm, KeyVersionName name) => _inner.Generate(algorithm, name);

        public IVersionOperations Open(KeyAlgorithm algorithm, KeyVersionName name, ReadOnlySpan<byte> kept) =>
            new Version(_inner.Open(algorithm, name, kept), this);

        public ValueTask Destroy(KeyVersionName name) => _inner.Destroy(name);

        private sealed class Version(IVersionOperations inner, CountingProvider provider) : IVersionOperations
        {
            int IVersionOperations.Version => inner.Version;

            public int Overhead => inner.Overhead;

            public ValueTask<byte[]> Encrypt(CiphertextKind kind, ReadOnlyMemory<byte> plaintext, ReadOnlyMemory<byte> associatedData)
            {
                Interlocked.Increment(ref provider._calls);
                return inner.Encrypt(kind, plaintext, associatedData);
            }

            public ValueTask<byte[]?> Decrypt(CiphertextHeader header, ReadOnlyMemory<byte> ciphertext, ReadOnlyMemory<byte> associatedData)
            {
                Interlocked.Increment(ref provider._calls);
                return inner.Decrypt(header, ciphertext, associatedData);
            }

            public void Dispose() => inner.Dispose();
        }
    }
}
