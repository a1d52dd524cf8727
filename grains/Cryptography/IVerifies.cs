using OrleansKms.Grains.Cryptography.Signatures;

namespace OrleansKms.Grains.Cryptography;

/// <summary>The public part of a version, which verifies signatures in this process.</summary>
public interface IVerifies : IKeyVersion
{
    /// <summary>The ways in which its key signs, the default first.</summary>
    IReadOnlyList<SignatureScheme> Schemes { get; }

    /// <summary>Verifies. Never throws because of the signature.</summary>
    /// <param name="input">A request that fits <see cref="Schemes"/>.</param>
    /// <param name="signature">The signature; may be anything.</param>
    /// <returns>
    /// Whether the key made this signature. Encodings are strict: a signature that was rewritten without the key, as another
    /// encoding of the same numbers or with trailing bytes, is not one.
    /// </returns>
    bool Verify(in SignatureInput input, ReadOnlySpan<byte> signature);
}
