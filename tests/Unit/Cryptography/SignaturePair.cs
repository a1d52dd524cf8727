using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Signatures;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>A key of a spec: a version that signs, and its public part.</summary>
internal sealed class SignaturePair : IDisposable
{
    private readonly IVerifies _verifies;

    private SignaturePair(SignatureAlgorithm algorithm, ReadOnlySpan<byte> material)
    {
        Algorithm = algorithm;
        PublicPart = algorithm.PublicPart(material)!;
        Signs = algorithm.Open(KeyUsage.SignVerify, "payments.eu.cards", 1, material).Require<ISigns>();
        _verifies = algorithm.OpenPublic(KeyUsage.SignVerify, 1, PublicPart)!.Require<IVerifies>();
    }

    public SignatureAlgorithm Algorithm { get; }

    public byte[] PublicPart { get; }

    public ISigns Signs { get; }

    public static SignatureAlgorithm Of(string spec) => KeyAlgorithms.Signatures.Single(a => a.Spec == spec);

    public static async Task<SignaturePair> Make(string spec, int number = 1) => new(Of(spec), await AlgorithmRegistry.Material(spec, number));

    public static SignaturePair From(SignatureAlgorithm algorithm, ReadOnlySpan<byte> material) => new(algorithm, material);

    public async Task<byte[]> Sign(SignItem item) => await Signs.Sign(SignatureInput.Of(Signs.Schemes, item));

    public bool Verify(SignItem item, byte[] signature) => _verifies.Verify(SignatureInput.Of(_verifies.Schemes, item), signature);

    public void Dispose()
    {
        Signs.Dispose();
        _verifies.Dispose();
    }
}
