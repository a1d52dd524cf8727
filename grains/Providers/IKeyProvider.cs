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

    /// <summary>Whether it can hold keys of this algorithm, now and in this installation.</summary>
    bool Supports(KeyAlgorithm algorithm);

    /// <summary>
    /// Makes new material, different each time even for the same name: two silos that race to make a version get different
    /// material, and the loser's is never the winner's.
    /// </summary>
    /// <returns>What was made, which the caller disposes.</returns>
    /// <exception cref="KmsException">hsm_unavailable, overloaded.</exception>
    ValueTask<GeneratedVersion> Generate(KeyAlgorithm algorithm, KeyVersionName name, CancellationToken cancellationToken = default);

    /// <summary>Opens a version.</summary>
    /// <param name="algorithm">Its algorithm.</param>
    /// <param name="usage">The key's usage, which decides what the version can do.</param>
    /// <param name="name">Its name.</param>
    /// <param name="kept">
    /// The bytes that <see cref="Generate"/> gave to keep. They may be zeroed as soon as this returns. Opening makes no HSM call.
    /// </param>
    /// <returns>The version, which the caller disposes.</returns>
    /// <exception cref="KmsException">key_corrupted: the kept bytes are not of this version.</exception>
    IKeyVersion Open(KeyAlgorithm algorithm, KeyUsage usage, KeyVersionName name, ReadOnlySpan<byte> kept);

    /// <summary>
    /// Destroys all material of a version that the provider holds. Called once the destruction is committed, and repeated until
    /// it succeeds; material already gone counts as success.
    /// </summary>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    ValueTask Destroy(KeyVersionName name);
}
