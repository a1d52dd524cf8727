using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Providers;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>
/// The real provider of keys in the HSM with a gate before the answers of operations, so that a test can let the key change while
/// one is under way, and can take the HSM away from one silo.
/// </summary>
internal sealed class GatedProvider(IKeyProvider inner, ProviderGate gate) : IKeyProvider
{
    public KeyProtection Protection => inner.Protection;

    public bool AnswersAtOnce => inner.AnswersAtOnce;

    public int Parallelism => inner.Parallelism;

    /// <summary>Puts the gate into a silo's services.</summary>
    public static void Add(IServiceCollection services, ProviderGate gate)
    {
        var real = services.Single(s => s.ServiceType == typeof(IKeyProvider) && s.ImplementationFactory is not null);
        services.Remove(real);
        services.AddSingleton<IKeyProvider>(provider => new GatedProvider((IKeyProvider)real.ImplementationFactory!(provider), gate));
    }

    public bool Supports(KeyAlgorithm algorithm) => inner.Supports(algorithm);

    public async ValueTask<GeneratedVersion> Generate(KeyAlgorithm algorithm, KeyVersionName name, CancellationToken cancellationToken) =>
        await gate.Pass(async () => await inner.Generate(algorithm, name, cancellationToken));

    public IKeyVersion Open(KeyAlgorithm algorithm, KeyUsage usage, KeyVersionName name, ReadOnlySpan<byte> kept) =>
        new Version(inner.Open(algorithm, usage, name, kept).Require<IEncrypts>(), gate);

    public async ValueTask Destroy(KeyVersionName name) => await gate.Pass(async () =>
    {
        await inner.Destroy(name);
        return true;
    });

    private sealed class Version(IEncrypts inner, ProviderGate gate) : IEncrypts
    {
        int IKeyVersion.Version => inner.Version;

        public bool IsAvailable => !gate.IsAway && inner.IsAvailable;

        public async ValueTask<byte[]> Encrypt(CiphertextKind kind, ReadOnlyMemory<byte> plaintext, ReadOnlyMemory<byte> associatedData) =>
            await gate.Pass(async () => await inner.Encrypt(kind, plaintext, associatedData));

        public async ValueTask<byte[]?> Decrypt(CiphertextHeader header, ReadOnlyMemory<byte> ciphertext, ReadOnlyMemory<byte> associatedData) =>
            await gate.Pass(async () => await inner.Decrypt(header, ciphertext, associatedData));

        public void Dispose() => inner.Dispose();
    }
}

/// <summary>Holds the answers of the HSM, or refuses its calls.</summary>
internal sealed class ProviderGate
{
    private readonly Lock _lock = new();
    private readonly List<(int Count, TaskCompletionSource Reached)> _wanted = [];
    private TaskCompletionSource? _held;
    private int _waiting;

    /// <summary>Whether every call fails as it does while the HSM is away.</summary>
    public bool IsAway { get; set; }

    /// <summary>Holds answers from now on.</summary>
    public void Hold()
    {
        lock (_lock)
        {
            (_held, _waiting) = (New(), 0);
        }
    }

    /// <summary>Completes when so many answers are held at once.</summary>
    public Task Held(int count)
    {
        lock (_lock)
        {
            if (_waiting >= count)
            {
                return Task.CompletedTask;
            }

            _wanted.Add((count, New()));
            return _wanted[^1].Reached.Task;
        }
    }

    /// <summary>Lets the answers go.</summary>
    public void Release()
    {
        lock (_lock)
        {
            _held?.TrySetResult();
            _held = null;
        }
    }

    public async Task<T> Pass<T>(Func<Task<T>> call)
    {
        if (IsAway)
        {
            throw KmsError.HsmUnavailable.Exception();
        }

        var answer = await call();
        await Wait();
        return answer;
    }

    private Task Wait()
    {
        lock (_lock)
        {
            if (_held is null)
            {
                return Task.CompletedTask;
            }

            _waiting++;
            foreach (var (_, reached) in _wanted.Where(w => w.Count <= _waiting))
            {
                reached.TrySetResult();
            }

            return _held.Task;
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
