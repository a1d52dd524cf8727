using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// Where the material of keys lives and their operations run: in this process, or in an HSM. One for each
/// <see cref="KeyProtection"/>; whoever uses it does not know which it is.
/// </summary>
public interface IKeyProvider
{
    /// <summary>The protection of the keys that it has.</summary>
    KeyProtection Protection { get; }

    /// <summary>Whether its versions answer at once, without waiting for anything outside this process.</summary>
    bool AnswersAtOnce { get; }

    /// <summary>How many operations it does side by side; 1 or more.</summary>
    int Parallelism { get; }

    /// <summary>Whether it can have keys of this algorithm, now and on this installation.</summary>
    bool Supports(KeyAlgorithm algorithm);

    /// <summary>
    /// Makes new material, another one each time, also for the same name: two that race to make a version each get material of
    /// their own, and what the loser made is never that of the winner.
    /// </summary>
    /// <returns>What was made, which the caller disposes.</returns>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    ValueTask<GeneratedVersion> Generate(KeyAlgorithm algorithm, KeyVersionName name);

    /// <summary>Opens a version.</summary>
    /// <param name="algorithm">Its algorithm.</param>
    /// <param name="usage">The key's usage, which decides what the version can do.</param>
    /// <param name="name">Its name.</param>
    /// <param name="kept">
    /// What <see cref="Generate"/> gave to keep. It may be zeroed as soon as this returns. Opening asks nothing of an HSM.
    /// </param>
    /// <returns>The version, which the caller disposes.</returns>
    /// <exception cref="KmsException">key_corrupted: what was kept is not of this version.</exception>
    IKeyVersion Open(KeyAlgorithm algorithm, KeyUsage usage, KeyVersionName name, ReadOnlySpan<byte> kept);

    /// <summary>
    /// Destroys all material of a version where the provider has it. Called after the destruction is committed, and repeated
    /// until it succeeds; material that is gone already is a success.
    /// </summary>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    ValueTask Destroy(KeyVersionName name);
}
