namespace OrleansKms.Grains.Cryptography;

/// <summary>
/// One version of a key, open for use, wherever its material is. What it can do is a capability: an interface derived from this
/// one, such as <see cref="IEncrypts"/>. A new kind of key adds an interface and changes none.
/// </summary>
public interface IKeyVersion : IDisposable
{
    /// <summary>The key version; 1 or more.</summary>
    int Version { get; }

    /// <summary>Whether an operation started now can be expected to succeed. Free to ask.</summary>
    bool IsAvailable { get; }
}

/// <summary>Asks a version for what it can do.</summary>
public static class KeyVersionExtensions
{
    /// <summary>Gets a capability of a version.</summary>
    /// <typeparam name="TCapability">The capability's interface.</typeparam>
    /// <param name="version">The version.</param>
    /// <exception cref="KmsException">wrong_key_usage: the version lacks the capability.</exception>
    public static TCapability Require<TCapability>(this IKeyVersion version)
        where TCapability : class, IKeyVersion =>
        version as TCapability ?? throw KmsError.WrongKeyUsage.Exception();
}
