namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>One way to sign a JWS with a key.</summary>
/// <param name="Name">Its name in the header: <c>alg</c> (RFC 7518, 3.1; RFC 8037, 3.1; RFC 8812, 3.2).</param>
/// <param name="Scheme">The scheme that signs.</param>
public sealed record JwsAlgorithm(string Name, SignatureScheme Scheme)
{
    /// <summary>Finds the algorithm that a request names.</summary>
    /// <param name="algorithms">What the key offers, the default first.</param>
    /// <param name="name">The name; null for the default.</param>
    /// <exception cref="KmsException">unsupported_algorithm.</exception>
    public static JwsAlgorithm Find(IReadOnlyList<JwsAlgorithm> algorithms, string? name)
    {
        if (name is null)
        {
            return algorithms[0];
        }

        foreach (var algorithm in algorithms)
        {
            if (algorithm.Name == name)
            {
                return algorithm;
            }
        }

        throw KmsError.UnsupportedAlgorithm.Exception($"The algorithms of this key are: {string.Join(", ", algorithms.Select(a => a.Name))}.");
    }
}
