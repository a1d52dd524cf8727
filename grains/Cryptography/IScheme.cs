namespace OrleansKms.Grains.Cryptography;

/// <summary>One of the ways to use a key, by its name in the API.</summary>
internal interface IScheme
{
    /// <summary>The name, for example <c>RSASSA_PSS_SHA_256</c>.</summary>
    string Name { get; }

    /// <summary>Finds the scheme that a request names.</summary>
    /// <param name="schemes">What the key offers, the default first.</param>
    /// <param name="name">The name; null for the default.</param>
    /// <exception cref="KmsException">unsupported_algorithm.</exception>
    internal static T Named<T>(IReadOnlyList<T> schemes, string? name)
        where T : IScheme
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
}
