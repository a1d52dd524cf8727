using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>A key of a spec that encrypts with its public part and decrypts with the private one.</summary>
internal sealed class EncryptionPair : IDisposable
{
    internal const string Id = "payments.eu.cards";

    private EncryptionPair(KeyAlgorithm algorithm, ReadOnlySpan<byte> material, int version)
    {
        PublicPart = algorithm.PublicPart(material)!;
        Public = algorithm.OpenPublic(KeyUsage.EncryptDecrypt, version, PublicPart)!.Require<IEncryptsByPublicKey>();
        Private = algorithm.Open(KeyUsage.EncryptDecrypt, Id, version, material).Require<IDecryptsByPrivateKey>();
    }

    public byte[] PublicPart { get; }

    public IEncryptsByPublicKey Public { get; }

    public IDecryptsByPrivateKey Private { get; }

    public static async Task<EncryptionPair> Make(string spec, int number = 1) => From(spec, await AlgorithmRegistry.Material(spec, number));

    public static EncryptionPair From(string spec, ReadOnlySpan<byte> material, int version = 7) => new(Of(spec), material, version);

    public static KeyAlgorithm Of(string spec)
    {
        Assert.True(KeyAlgorithms.TryFind(spec, out var algorithm));
        return algorithm;
    }

    public byte[] Encrypt(string algorithm, ReadOnlySpan<byte> plaintext) => Public.Encrypt(IScheme.Named(Public.Schemes, algorithm), plaintext);

    public async Task<byte[]?> Decrypt(string algorithm, byte[] ciphertext) =>
        await Private.Decrypt(IScheme.Named(Private.Schemes, algorithm), ciphertext);

    /// <summary>Decrypts a ciphertext with a header.</summary>
    public async Task<byte[]?> DecryptWithHeader(byte[] ciphertext) =>
        CiphertextHeader.TryRead(ciphertext, out var header) && PublicKeyCiphertext.SchemeOf(Private, Id, header, ciphertext) is { } scheme
            ? await Private.Decrypt(scheme, ciphertext.AsMemory(header.Length))
            : null;

    public byte[] EncryptWithHeader(string algorithm, ReadOnlySpan<byte> plaintext)
    {
        var scheme = IScheme.Named(Public.Schemes, algorithm);
        return PublicKeyCiphertext.WithHeader(scheme, Id, Public.Version, Public.Encrypt(scheme, plaintext));
    }

    public void Dispose()
    {
        Public.Dispose();
        Private.Dispose();
    }
}
