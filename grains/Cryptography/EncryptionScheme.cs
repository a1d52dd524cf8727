namespace OrleansKms.Grains.Cryptography;

/// <summary>One way to encrypt with a public key, by its name in the API, for example <c>RSAES_OAEP_SHA_256</c>.</summary>
/// <param name="Name">The name.</param>
/// <param name="Id">The algorithm byte of its ciphertexts (FORMAT.md); never changes and is never reused for another algorithm.</param>
public record EncryptionScheme(string Name, byte Id) : IScheme
{
    /// <summary>Finds the scheme that a ciphertext names; null if the key does not offer it.</summary>
    /// <param name="schemes">What the key offers.</param>
    /// <param name="id">The algorithm byte; any.</param>
    internal static EncryptionScheme? Marked(IReadOnlyList<EncryptionScheme> schemes, byte id)
    {
        foreach (var scheme in schemes)
        {
            if (scheme.Id == id)
            {
                return scheme;
            }
        }

        return null;
    }
}
