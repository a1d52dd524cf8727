namespace OrleansKms.Grains.Cryptography;

/// <summary>One way to encrypt with a public key, by its name in the API, for example <c>RSAES_OAEP_SHA_256</c>.</summary>
/// <param name="Name">The name.</param>
/// <param name="Id">The algorithm byte of its ciphertexts (FORMAT.md); never changes and is never reused for another algorithm.</param>
public record EncryptionScheme(string Name, byte Id)
{
    /// <summary>Finds the scheme that a request names.</summary>
    /// <param name="schemes">What the key offers, the default first.</param>
    /// <param name="name">The name; null for the default.</param>
    /// <exception cref="KmsException">unsupported_algorithm.</exception>
    internal static EncryptionScheme Named(IReadOnlyList<EncryptionScheme> schemes, string? name)
    {
        if (name is null)
        {
            return schemes[0];
        }

        foreach (var scheme in schemes)
        {
            if (scheme.Name == name)
            {
                return scheme;
            }
        }

        throw KmsError.UnsupportedAlgorithm.Exception($"The algorithms of this key are: {string.Join(", ", schemes.Select(s => s.Name))}.");
    }

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
