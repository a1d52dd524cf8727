using OrleansKms.Grains.Cryptography.Signatures;

namespace OrleansKms.Grains.Cryptography;

/// <summary>A version that signs.</summary>
public interface ISigns : IKeyVersion
{
    /// <summary>The ways in which it signs, the default first.</summary>
    IReadOnlyList<SignatureScheme> Schemes { get; }

    /// <summary>Whether <see cref="Sign"/> answers without waiting.</summary>
    bool SignsAtOnce { get; }

    /// <summary>Requires that a signature can be begun now; to be asked before a use is spent, since that is never given back.</summary>
    /// <exception cref="KmsException">overloaded: too many wait.</exception>
    void RequireRoom();

    /// <summary>Signs.</summary>
    /// <param name="input">A request that fits <see cref="Schemes"/>; what it holds must not change before this completes.</param>
    /// <param name="cancellationToken">Ends the wait, where it takes long; what is being made then is not heard of.</param>
    /// <exception cref="KmsException">hsm_unavailable, overloaded.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    ValueTask<byte[]> Sign(SignatureInput input, CancellationToken cancellationToken = default);
}
