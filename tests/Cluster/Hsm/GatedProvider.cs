using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Signatures;
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

    public bool IsSlow(KeyAlgorithm algorithm) => inner.IsSlow(algorithm);

    public int SinceLevel(KeyAlgorithm algorithm, KeyUsage usage) => inner.SinceLevel(algorithm, usage);

    public ValueTask<string?> WhyUnsupported(KeyAlgorithm algorithm, KeyUsage usage, CancellationToken cancellationToken) =>
        inner.WhyUnsupported(algorithm, usage, cancellationToken);

    public IReadOnlyList<string> AlgorithmNames(KeyAlgorithm algorithm, KeyUsage usage) => inner.AlgorithmNames(algorithm, usage);

    public async ValueTask<GeneratedVersion> Generate(KeyAlgorithm algorithm, KeyUsage usage, KeyVersionName name, CancellationToken cancellationToken) =>
        await gate.Pass(async () => await inner.Generate(algorithm, usage, name, cancellationToken), isMaking: true);

    public ValueTask UntilKnown(KeyAlgorithm algorithm, KeyUsage usage) => inner.UntilKnown(algorithm, usage);

    public IKeyVersion? OpenPublic(KeyAlgorithm algorithm, KeyUsage usage, int version, ReadOnlySpan<byte> publicPart) =>
        inner.OpenPublic(algorithm, usage, version, publicPart);

    public IKeyVersion Open(KeyAlgorithm algorithm, KeyUsage usage, KeyVersionName name, ReadOnlySpan<byte> kept, byte[]? publicPart) =>
        inner.Open(algorithm, usage, name, kept, publicPart) switch
        {
            IEncrypts encrypts => new Version(encrypts, gate),
            ISigns signs => new SigningVersion(signs, gate),
            IMacs macs => new MacVersion(macs, gate),
            IAgrees agrees => new AgreeingVersion(agrees, gate),
            IDecryptsByPrivateKey decrypts => new DecryptingVersion(decrypts, gate),
            var other => other,
        };

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

    private sealed class SigningVersion(ISigns inner, ProviderGate gate) : ISigns
    {
        public int Version => inner.Version;

        public bool IsAvailable => !gate.IsAway && inner.IsAvailable;

        public IReadOnlyList<SignatureScheme> Schemes => inner.Schemes;

        public bool SignsAtOnce => inner.SignsAtOnce;

        public void RequireRoom() => inner.RequireRoom();

        public async ValueTask<byte[]> Sign(SignatureInput input, CancellationToken cancellationToken) =>
            await gate.Pass(async () => await inner.Sign(input, cancellationToken));

        public void Dispose() => inner.Dispose();
    }

    private sealed class AgreeingVersion(IAgrees inner, ProviderGate gate) : IAgrees
    {
        public int Version => inner.Version;

        public bool IsAvailable => !gate.IsAway && inner.IsAvailable;

        public async ValueTask<SecretBytes?> Agree(ReadOnlyMemory<byte> publicKey) => await gate.Pass(async () => await inner.Agree(publicKey));

        public void Dispose() => inner.Dispose();
    }

    private sealed class DecryptingVersion(IDecryptsByPrivateKey inner, ProviderGate gate) : IDecryptsByPrivateKey
    {
        public int Version => inner.Version;

        public bool IsAvailable => !gate.IsAway && inner.IsAvailable;

        public IReadOnlyList<EncryptionScheme> Schemes => inner.Schemes;

        public int CiphertextLength => inner.CiphertextLength;

        public void RequireOffered(EncryptionScheme scheme) => inner.RequireOffered(scheme);

        public async ValueTask<byte[]?> Decrypt(EncryptionScheme scheme, ReadOnlyMemory<byte> ciphertext) =>
            await gate.Pass(async () => await inner.Decrypt(scheme, ciphertext));

        public void Dispose() => inner.Dispose();
    }

    private sealed class MacVersion(IMacs inner, ProviderGate gate) : IMacs
    {
        public int Version => inner.Version;

        public bool IsAvailable => !gate.IsAway && inner.IsAvailable;

        public int MacLength => inner.MacLength;

        public bool MacsAtOnce => inner.MacsAtOnce;

        public async ValueTask<byte[]> Mac(ReadOnlyMemory<byte> message) => await gate.Pass(async () => await inner.Mac(message));

        public async ValueTask<bool> VerifyMac(ReadOnlyMemory<byte> message, ReadOnlyMemory<byte> mac) =>
            await gate.Pass(async () => await inner.VerifyMac(message, mac));

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
    private bool _holdsOnlyMaking;

    /// <summary>Whether every call fails as it does while the HSM is away.</summary>
    public bool IsAway { get; set; }

    /// <summary>Holds answers from now on.</summary>
    /// <param name="onlyMaking">Whether only those of keys that are made.</param>
    public void Hold(bool onlyMaking = false)
    {
        lock (_lock)
        {
            (_held, _waiting, _holdsOnlyMaking) = (New(), 0, onlyMaking);
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

    public async Task<T> Pass<T>(Func<Task<T>> call, bool isMaking = false)
    {
        if (IsAway)
        {
            throw KmsError.HsmUnavailable.Exception();
        }

        var answer = await call();
        await Wait(isMaking);
        return answer;
    }

    private Task Wait(bool isMaking)
    {
        lock (_lock)
        {
            if (_held is null || (_holdsOnlyMaking && !isMaking))
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
