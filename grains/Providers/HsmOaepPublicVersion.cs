using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Grains.Providers;

/// <summary>The public part of an RSA key in the HSM that decrypts: it encrypts in this process, and only what the HSM decrypts.</summary>
/// <param name="proofs">What the token can do.</param>
/// <param name="mechanism">How it holds the key.</param>
/// <param name="encrypts">The public key, which this disposes.</param>
internal sealed class HsmOaepPublicVersion(HsmProofs proofs, HsmMechanism mechanism, IEncryptsByPublicKey encrypts) : IEncryptsByPublicKey
{
    /// <inheritdoc/>
    public int Version => encrypts.Version;

    /// <inheritdoc/>
    public bool IsAvailable => true;

    /// <inheritdoc/>
    public IReadOnlyList<EncryptionScheme> Schemes => encrypts.Schemes;

    /// <inheritdoc/>
    public void RequireOffered(EncryptionScheme scheme) => RequireOffered(proofs.Find(mechanism), scheme);

    /// <inheritdoc/>
    public int MaxPlaintextLength(EncryptionScheme scheme) => encrypts.MaxPlaintextLength(scheme);

    /// <inheritdoc/>
    public byte[] Encrypt(EncryptionScheme scheme, ReadOnlySpan<byte> plaintext) => encrypts.Encrypt(scheme, plaintext);

    /// <inheritdoc/>
    public void Dispose() => encrypts.Dispose();

    /// <summary>Requires that the token decrypts by a scheme.</summary>
    /// <param name="proof">What it can do; null as long as that is not known.</param>
    /// <param name="scheme">The scheme.</param>
    /// <exception cref="KmsException">unsupported_algorithm; hsm_unavailable: it is not known, or it does so by none any more.</exception>
    internal static void RequireOffered(HsmProof? proof, EncryptionScheme scheme)
    {
        if (proof is not { Refusal: null })
        {
            throw KmsError.HsmUnavailable.Exception(proof is null
                ? "What the HSM decrypts is still being found out; try again."
                : $"The HSM no longer decrypts with RSA: {proof.Refusal}.");
        }

        if (!proof.Decrypts(scheme))
        {
            throw KmsError.UnsupportedAlgorithm.Exception(
                $"The HSM does not decrypt by {scheme.Name}. Name what it does: {string.Join(", ", proof.Oaep.Select(one => one.Scheme.Name))}.");
        }
    }
}
