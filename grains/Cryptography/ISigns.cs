using OrleansKms.Grains.Cryptography.Signatures;

namespace OrleansKms.Grains.Cryptography;

/// <summary>A version that signs.</summary>
public interface ISigns : IKeyVersion
{
    /// <summary>The ways in which it signs, the default first.</summary>
    IReadOnlyList<SignatureScheme> Schemes { get; }

    /// <summary>Whether <see cref="Sign"/> answers without waiting.</summary>
    bool SignsAtOnce { get; }

    /// <summary>Signs.</summary>
    /// <param name="input">A request that fits <see cref="Schemes"/>; what it holds must not change before this completes.</param>
    /// <exception cref="KmsException">hsm_unavailable, overloaded.</exception>
    ValueTask<byte[]> Sign(SignatureInput input);
}
