namespace OrleansKms.Grains.Cryptography.Encapsulation;

/// <summary>A key of a key encapsulation mechanism, opened once and used for every call: private, or public to encapsulate only.</summary>
internal abstract class KemKey : IDisposable
{
    /// <summary>Length of a shared secret in bytes, of every algorithm.</summary>
    public const int SecretLength = 32;

    /// <summary>Makes a secret.</summary>
    /// <param name="ciphertext">Receives the ciphertext, as long as the algorithm's.</param>
    /// <param name="secret">Receives the secret; <see cref="SecretLength"/> bytes.</param>
    public abstract void Encapsulate(Span<byte> ciphertext, Span<byte> secret);

    /// <summary>Finds a secret.</summary>
    /// <param name="ciphertext">The ciphertext, as long as the algorithm's; otherwise anything.</param>
    /// <param name="secret">Receives the secret; <see cref="SecretLength"/> bytes.</param>
    public abstract void Decapsulate(ReadOnlySpan<byte> ciphertext, Span<byte> secret);

    /// <summary>Erases the key, as far as its library can.</summary>
    public abstract void Dispose();
}
