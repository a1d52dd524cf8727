namespace OrleansKms.Grains.Cryptography;

/// <summary>A version that finds the secrets that were made with its public part.</summary>
public interface IDecapsulates : IKeyVersion
{
    /// <summary>Finds a secret.</summary>
    /// <param name="ciphertext">The ciphertext; may be anything.</param>
    /// <returns>
    /// The shared secret, which the caller disposes; null if the ciphertext's length is wrong. A ciphertext of the right length that was
    /// changed, or made for another key, leads to another secret, which nobody knows (implicit rejection; FIPS 203, 6.3): only the use
    /// of the secret shows it.
    /// </returns>
    SecretBytes? Decapsulate(ReadOnlySpan<byte> ciphertext);
}
