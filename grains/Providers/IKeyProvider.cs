using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// Where the material of keys lives and their operations run: in this process, or in an HSM. There is one for each
/// <see cref="KeyProtection"/>; its users do not know which it is.
/// </summary>
public interface IKeyProvider
{
    /// <summary>The protection of its keys.</summary>
    KeyProtection Protection { get; }

    /// <summary>Whether its versions answer at once, without waiting for anything outside this process.</summary>
    bool AnswersAtOnce { get; }

    /// <summary>How many operations it runs in parallel; 1 or more.</summary>
    int Parallelism { get; }

    /// <summary>Why it cannot hold keys of this algorithm with this usage, now and in this installation; null when it can.</summary>
    /// <param name="algorithm">The algorithm.</param>
    /// <param name="usage">One of its usages.</param>
    /// <param name="cancellationToken">Ends the wait, where that is still being found out.</param>
    /// <returns>A sentence for callers.</returns>
    ValueTask<string?> WhyUnsupported(KeyAlgorithm algorithm, KeyUsage usage, CancellationToken cancellationToken = default);

    /// <summary>The feature level from which such keys can be created: programs that know only lower ones cannot open them.</summary>
    int SinceLevel(KeyAlgorithm algorithm, KeyUsage usage) => algorithm.SinceLevel(usage);

    /// <summary>The algorithms that an operation with a key can name, the default first; empty where there is but one way to use it.</summary>
    IReadOnlyList<string> AlgorithmNames(KeyAlgorithm algorithm, KeyUsage usage) => algorithm.AlgorithmNames(usage);

    /// <summary>Whether <see cref="Generate"/> takes so long that other calls of a key must not wait for it.</summary>
    bool IsSlow(KeyAlgorithm algorithm) => algorithm.IsSlow;

    /// <summary>
    /// Makes new material, different each time even for the same name: two silos that race to make a version get different
    /// material, and the loser's is never the winner's.
    /// </summary>
    /// <param name="algorithm">The algorithm.</param>
    /// <param name="usage">What the key is for: outside this process it can be used for nothing else.</param>
    /// <param name="name">The version's name.</param>
    /// <param name="cancellationToken">Ends the wait, where making takes long; what is made then is destroyed.</param>
    /// <returns>What was made, which the caller disposes or abandons.</returns>
    /// <exception cref="KmsException">hsm_unavailable, overloaded.</exception>
    ValueTask<GeneratedVersion> Generate(KeyAlgorithm algorithm, KeyUsage usage, KeyVersionName name, CancellationToken cancellationToken = default);

    /// <summary>Opens a version.</summary>
    /// <param name="algorithm">Its algorithm.</param>
    /// <param name="usage">The key's usage, which decides what the version can do.</param>
    /// <param name="name">Its name.</param>
    /// <param name="kept">
    /// The bytes that <see cref="Generate"/> gave to keep. They may be zeroed as soon as this returns. Opening makes no HSM call.
    /// </param>
    /// <param name="publicPart">The public part that it made; null where there is none.</param>
    /// <returns>The version, which the caller disposes.</returns>
    /// <exception cref="KmsException">key_corrupted: the kept bytes are not of this version.</exception>
    IKeyVersion Open(KeyAlgorithm algorithm, KeyUsage usage, KeyVersionName name, ReadOnlySpan<byte> kept, byte[]? publicPart = null);

    /// <summary>
    /// Waits a little, where it is still being found out what this provider can do with such keys. It need not be known afterwards: then what
    /// depends on it is refused.
    /// </summary>
    /// <param name="algorithm">The algorithm.</param>
    /// <param name="usage">The keys' usage.</param>
    ValueTask UntilKnown(KeyAlgorithm algorithm, KeyUsage usage) => ValueTask.CompletedTask;

    /// <summary>Opens the public part of a version: what can be done without the private one, and leads to nothing that the private one cannot do.</summary>
    /// <param name="algorithm">Its algorithm.</param>
    /// <param name="usage">The key's usage.</param>
    /// <param name="version">The key version; 1 or more.</param>
    /// <param name="publicPart">The public part.</param>
    /// <returns>The version, which the caller disposes; null for a spec without public parts.</returns>
    /// <exception cref="System.Security.Cryptography.CryptographicException">It is none of the spec.</exception>
    IKeyVersion? OpenPublic(KeyAlgorithm algorithm, KeyUsage usage, int version, ReadOnlySpan<byte> publicPart) =>
        algorithm.OpenPublic(usage, version, publicPart);

    /// <summary>
    /// Destroys all material of a version that the provider holds. Called once the destruction is committed, and repeated until
    /// it succeeds; material already gone counts as success.
    /// </summary>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    ValueTask Destroy(KeyVersionName name);
}
