namespace OrleansKms.Grains.Cryptography;

/// <summary>The private part of a version of a key pair, which decrypts what anybody encrypted with the public one.</summary>
public interface IDecryptsByPrivateKey : IKeyVersion
{
    /// <summary>The ways in which it decrypts, the default first; all of those in which its public part encrypts.</summary>
    IReadOnlyList<EncryptionScheme> Schemes { get; }

    /// <summary>The exact length of a bare ciphertext in bytes.</summary>
    int CiphertextLength { get; }

    /// <summary>Requires that it decrypts by a scheme: keys outside this process may lack some.</summary>
    /// <param name="scheme">One of <see cref="Schemes"/>.</param>
    /// <exception cref="KmsException">unsupported_algorithm, hsm_unavailable.</exception>
    void RequireOffered(EncryptionScheme scheme)
    {
    }

    /// <summary>Decrypts. What is wrong with a ciphertext shows neither in the answer nor in the time that it takes.</summary>
    /// <param name="scheme">One of <see cref="Schemes"/>.</param>
    /// <param name="ciphertext">The bare ciphertext; may be anything, and must not change before this completes.</param>
    /// <returns>The plaintext, or null if it was not encrypted with this public key and scheme.</returns>
    /// <exception cref="KmsException">hsm_unavailable, unsupported_algorithm.</exception>
    ValueTask<byte[]?> Decrypt(EncryptionScheme scheme, ReadOnlyMemory<byte> ciphertext);
}
