namespace OrleansKms.Grains.Cryptography;

/// <summary>The public part of a version, with which anybody makes a secret that the private part finds.</summary>
public interface IEncapsulates : IKeyVersion
{
    /// <summary>Length of a ciphertext in bytes.</summary>
    int CiphertextLength { get; }

    /// <summary>Makes a secret and encapsulates it, both anew each time.</summary>
    /// <param name="ciphertext">Receives the ciphertext; exactly <see cref="CiphertextLength"/> bytes.</param>
    /// <returns>The shared secret, which the caller disposes.</returns>
    SecretBytes Encapsulate(Span<byte> ciphertext);
}
