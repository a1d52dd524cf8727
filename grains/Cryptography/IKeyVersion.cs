namespace OrleansKms.Grains.Cryptography;

/// <summary>
/// One version of a key, open for use, wherever its material is. What it can do it offers as a capability, an interface that
/// derives from this one (<see cref="IEncrypts"/>); a new kind of key adds an interface and changes none.
/// </summary>
public interface IKeyVersion : IDisposable
{
    /// <summary>The key version; 1 or more.</summary>
    int Version { get; }

    /// <summary>Whether an operation that began now could be expected to succeed. Costs nothing to ask.</summary>
    bool IsAvailable { get; }
}

/// <summary>Asks a version for what it can do.</summary>
public static class KeyVersionExtensions
{
    /// <summary>The capability of a version.</summary>
    /// <typeparam name="TCapability">The capability's interface.</typeparam>
    /// <param name="version">The version.</param>
    /// <exception cref="KmsException">wrong_key_usage: the version does not offer it.</exception>
    public static TCapability Require<TCapability>(this IKeyVersion version)
        where TCapability : class, IKeyVersion =>
        version as TCapability ?? throw KmsError.WrongKeyUsage.Exception();
}
