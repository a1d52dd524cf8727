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

    /// <summary>Whether an operation that began now could be expected to succeed. Costs nothing to ask.</summary>
    bool IsAvailable { get; }

    /// <summary>Whether it can have keys of this algorithm, now and on this installation.</summary>
    bool Supports(KeyAlgorithm algorithm);

    /// <summary>
    /// Makes new material, another one each time, also for the same name: two that race to make a version each get material of
    /// their own, and what the loser made is never that of the winner.
    /// </summary>
    /// <returns>
    /// What has to be sealed and kept to open the version again: the material itself, or where it is. The caller disposes it.
    /// </returns>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    ValueTask<SecretBytes> Generate(KeyAlgorithm algorithm, KeyVersionName name);

    /// <summary>Opens a version.</summary>
    /// <param name="algorithm">Its algorithm.</param>
    /// <param name="name">Its name.</param>
    /// <param name="kept">
    /// What <see cref="Generate"/> returned. It may be zeroed as soon as this returns. Opening asks nothing of an HSM.
    /// </param>
    /// <returns>The version, which the caller disposes.</returns>
    /// <exception cref="KmsException">key_corrupted: what was kept is not of this version.</exception>
    IVersionOperations Open(KeyAlgorithm algorithm, KeyVersionName name, ReadOnlySpan<byte> kept);

    /// <summary>
    /// Destroys all material of a version where the provider has it. Called after the destruction is committed, and repeated
    /// until it succeeds; material that is gone already is a success.
    /// </summary>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    ValueTask Destroy(KeyVersionName name);
}

/// <summary>One version of a key, ready for use: makes and opens the ciphertexts of FORMAT.md.</summary>
public interface IVersionOperations : IDisposable
{
    /// <summary>The key version.</summary>
    int Version { get; }

    /// <summary>How many bytes longer a ciphertext is than its plaintext.</summary>
    int Overhead { get; }

    /// <summary>Encrypts under a fresh nonce.</summary>
    /// <param name="kind">What the plaintext is; it is authenticated.</param>
    /// <param name="plaintext">The plaintext; unchanged until the answer.</param>
    /// <param name="associatedData">Must be given again to decrypt; may be empty.</param>
    /// <exception cref="KmsException">hsm_unavailable, payload_too_large.</exception>
    ValueTask<byte[]> Encrypt(CiphertextKind kind, ReadOnlyMemory<byte> plaintext, ReadOnlyMemory<byte> associatedData);

    /// <summary>Decrypts and verifies.</summary>
    /// <param name="header">The header read from the ciphertext.</param>
    /// <param name="ciphertext">The complete ciphertext; may be anything.</param>
    /// <param name="associatedData">What was given to encrypt.</param>
    /// <returns>The plaintext, or null if this version did not make it with this associated data.</returns>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    ValueTask<byte[]?> Decrypt(CiphertextHeader header, ReadOnlyMemory<byte> ciphertext, ReadOnlyMemory<byte> associatedData);
}
