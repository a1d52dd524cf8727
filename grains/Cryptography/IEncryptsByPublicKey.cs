namespace OrleansKms.Grains.Cryptography;

/// <summary>
/// The public part of a version of a key pair, which encrypts in this process, wherever the private part is: anybody who has it can do
/// the same.
/// </summary>
public interface IEncryptsByPublicKey : IKeyVersion
{
    /// <summary>The ways in which it encrypts, the default first.</summary>
    IReadOnlyList<EncryptionScheme> Schemes { get; }

    /// <summary>Requires that the private part decrypts by a scheme: one outside this process may not.</summary>
    /// <param name="scheme">One of <see cref="Schemes"/>.</param>
    /// <exception cref="KmsException">unsupported_algorithm, hsm_unavailable.</exception>
    void RequireOffered(EncryptionScheme scheme)
    {
    }

    /// <summary>The length of the longest plaintext in bytes.</summary>
    /// <param name="scheme">One of <see cref="Schemes"/>.</param>
    int MaxPlaintextLength(EncryptionScheme scheme);

    /// <summary>Encrypts.</summary>
    /// <param name="scheme">One of <see cref="Schemes"/>.</param>
    /// <param name="plaintext">At most <see cref="MaxPlaintextLength"/> bytes.</param>
    /// <returns>The bare ciphertext, without a header.</returns>
    byte[] Encrypt(EncryptionScheme scheme, ReadOnlySpan<byte> plaintext);
}
