using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Providers;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>Keys in this process, with a count of what is asked of their ciphers, and a hook on the next that is.</summary>
internal sealed class ObservedProvider : IKeyProvider
{
    private readonly SoftwareKeyProvider _inner = new();
    private long _calls;
    private Action? _onNextCall;

    /// <summary>Encryptions and decryptions so far, also those that failed.</summary>
    public long Calls => Interlocked.Read(ref _calls);

    public KeyProtection Protection => _inner.Protection;

    public bool AnswersAtOnce => true;

    public int Parallelism => _inner.Parallelism;

    /// <summary>Takes the place of the real provider in a silo's services.</summary>
    public void Add(IServiceCollection services)
    {
        services.Remove(services.Single(s => s.ServiceType == typeof(IKeyProvider) && s.ImplementationType is not null));
        services.AddSingleton<IKeyProvider>(this);
    }

    /// <summary>Runs an action within the next encryption or decryption, and only there.</summary>
    public void OnNextCall(Action action) => Volatile.Write(ref _onNextCall, action);

    public ValueTask<string?> WhyUnsupported(KeyAlgorithm algorithm, KeyUsage usage, CancellationToken cancellationToken) => default;

    public ValueTask<GeneratedVersion> Generate(KeyAlgorithm algorithm, KeyUsage usage, KeyVersionName name, CancellationToken cancellationToken) =>
        _inner.Generate(algorithm, usage, name, cancellationToken);

    public IKeyVersion Open(KeyAlgorithm algorithm, KeyUsage usage, KeyVersionName name, ReadOnlySpan<byte> kept, byte[]? publicPart) =>
        new Version(_inner.Open(algorithm, usage, name, kept).Require<IEncryptsAtOnce>(), this);

    public ValueTask Destroy(KeyVersionName name) => _inner.Destroy(name);

    private void Called()
    {
        Interlocked.Increment(ref _calls);
        Interlocked.Exchange(ref _onNextCall, null)?.Invoke();
    }

    private sealed class Version(IEncryptsAtOnce inner, ObservedProvider provider) : IEncryptsAtOnce
    {
        int IKeyVersion.Version => inner.Version;

        public bool IsAvailable => inner.IsAvailable;

        public int CiphertextLength(int plaintextLength) => inner.CiphertextLength(plaintextLength);

        public int PlaintextLength(int ciphertextLength) => inner.PlaintextLength(ciphertextLength);

        public void Encrypt(CiphertextKind kind, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> ciphertext)
        {
            provider.Called();
            inner.Encrypt(kind, plaintext, associatedData, ciphertext);
        }

        public bool TryDecrypt(
            in CiphertextHeader header, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> associatedData, Span<byte> plaintext)
        {
            provider.Called();
            return inner.TryDecrypt(header, ciphertext, associatedData, plaintext);
        }

        public ValueTask<byte[]> Encrypt(CiphertextKind kind, ReadOnlyMemory<byte> plaintext, ReadOnlyMemory<byte> associatedData)
        {
            provider.Called();
            return inner.Encrypt(kind, plaintext, associatedData);
        }

        public ValueTask<byte[]?> Decrypt(CiphertextHeader header, ReadOnlyMemory<byte> ciphertext, ReadOnlyMemory<byte> associatedData)
        {
            provider.Called();
            return inner.Decrypt(header, ciphertext, associatedData);
        }

        public void Dispose() => inner.Dispose();
    }
}

/// <summary>One silo on SQLite whose ciphers are observed, for all tests of a class.</summary>
public sealed class ObservedSilo : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("okms-observed-");

    internal ObservedProvider Provider { get; } = new();

    internal TestSilo Silo { get; private set; } = null!;

    public async Task InitializeAsync() => Silo = await TestSilo.Start(new() { DataDirectory = _folder.FullName }, services: Provider.Add);

    public async Task DisposeAsync()
    {
        await Silo.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}
