using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// How a token holds keys of one spec: a row of the mechanism table. A new mechanism is one new file and one row.
/// </summary>
internal abstract class HsmMechanism
{
    private static readonly HsmMechanism[] _all = [new HsmAesGcm()];

    /// <summary>The spec.</summary>
    public abstract string Spec { get; }

    /// <summary>Finds the mechanism of an algorithm; null when no token can hold such keys.</summary>
    /// <param name="algorithm">The algorithm.</param>
    public static HsmMechanism? Find(KeyAlgorithm algorithm) => Array.Find(_all, m => m.Spec == algorithm.Spec);

    /// <summary>Whether this token supports it.</summary>
    /// <param name="hsm">The token.</param>
    public abstract bool IsOffered(HsmToken hsm);

    /// <summary>Makes a key on the token.</summary>
    /// <param name="session">A session.</param>
    /// <param name="id">The key's CKA_ID.</param>
    /// <param name="label">The key's CKA_LABEL.</param>
    /// <exception cref="HsmException">The token refused.</exception>
    public abstract void Make(HsmSession session, byte[] id, string label);

    /// <summary>Finds the first thing wrong with a key.</summary>
    /// <param name="session">A session.</param>
    /// <param name="key">The key's handle.</param>
    /// <returns>The attribute, in the operator's terms, and what it should be; null for a good key.</returns>
    public abstract string? Violation(HsmSession session, ulong key);

    /// <summary>Opens a version whose key is on the token. Makes no HSM call.</summary>
    /// <param name="hsm">The token.</param>
    /// <param name="id">The key's CKA_ID.</param>
    /// <param name="usage">The key's usage.</param>
    /// <param name="name">The version's name.</param>
    public abstract IKeyVersion Open(HsmToken hsm, byte[] id, KeyUsage usage, KeyVersionName name);
}
