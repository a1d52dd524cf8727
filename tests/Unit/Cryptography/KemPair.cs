using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Encapsulation;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>A key of a spec that encapsulates: its private part, and its public one.</summary>
internal sealed class KemPair : IDisposable
{
    private readonly IEncapsulates _encapsulates;
    private readonly IDecapsulates _decapsulates;

    internal KemPair(KemAlgorithm algorithm, ReadOnlySpan<byte> material)
    {
        PublicPart = algorithm.PublicPart(material)!;
        _decapsulates = algorithm.Open(KeyUsage.Encapsulate, "payments.eu.cards", 1, material).Require<IDecapsulates>();
        _encapsulates = algorithm.OpenPublic(KeyUsage.Encapsulate, 1, PublicPart)!.Require<IEncapsulates>();
    }

    public byte[] PublicPart { get; }

    public static KemAlgorithm Of(string spec) => KeyAlgorithms.Encapsulations.Single(a => a.Spec == spec);

    public (byte[] Ciphertext, byte[] Secret) Encapsulate()
    {
        var ciphertext = new byte[_encapsulates.CiphertextLength];
        using var secret = _encapsulates.Encapsulate(ciphertext);
        return (ciphertext, secret.Span.ToArray());
    }

    /// <summary>The secret; null for a ciphertext of the wrong length.</summary>
    public byte[]? Decapsulate(ReadOnlySpan<byte> ciphertext)
    {
        using var secret = _decapsulates.Decapsulate(ciphertext);
        return secret?.Span.ToArray();
    }

    public void Dispose()
    {
        _encapsulates.Dispose();
        _decapsulates.Dispose();
    }
}
