using OrleansKms.Grains.Cryptography.Signatures;

namespace OrleansKms.Grains.Cryptography;

/// <summary>A version that signs tokens, and nothing else: whoever may ask for tokens cannot have other texts signed, nor the reverse.</summary>
public interface ISignsJws : IKeyVersion
{
    /// <summary>The ways in which it signs, the default first.</summary>
    IReadOnlyList<JwsAlgorithm> Algorithms { get; }

    /// <summary>Whether <see cref="Sign"/> answers without waiting.</summary>
    bool SignsAtOnce { get; }

    /// <summary>Requires that a signature can be begun now; to be asked before a use is spent, since that is never given back.</summary>
    /// <exception cref="KmsException">overloaded: too many wait.</exception>
    void RequireRoom();

    /// <summary>Signs.</summary>
    /// <param name="algorithm">One of <see cref="Algorithms"/>.</param>
    /// <param name="payload">The payload.</param>
    /// <param name="type">The header's <c>typ</c>; null for none.</param>
    /// <returns>The compact serialization.</returns>
    /// <exception cref="KmsException">hsm_unavailable, overloaded.</exception>
    ValueTask<string> Sign(JwsAlgorithm algorithm, ReadOnlySpan<byte> payload, string? type);
}
