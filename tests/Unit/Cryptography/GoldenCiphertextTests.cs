using System.Text;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Aead;

namespace OrleansKms.Tests.Unit.Cryptography;

public class GoldenCiphertextTests
{
    public static TheoryData<int> Indices => new(Enumerable.Range(0, GoldenCiphertexts.Rows.Length));

    [Fact]
    public void Rows_CoverEveryAlgorithmAndKind()
    {
        var covered = GoldenCiphertexts.Rows.Select(r => (r.Spec, r.Kind)).ToHashSet();
        foreach (var spec in AeadRegistry.Rows.Select(r => r.Spec))
        {
            Assert.Contains((spec, CiphertextKind.Data), covered);
            Assert.Contains((spec, CiphertextKind.DataKey), covered);
            Assert.Contains((spec, CiphertextKind.DataKeyPair), covered);
        }
    }

    [Theory]
    [MemberData(nameof(Indices))]
    public void Decrypt_Golden_GivesThePlaintext(int index)
    {
        var row = GoldenCiphertexts.Rows[index];
        var ciphertext = Convert.FromHexString(row.Ciphertext);
        Assert.True(CiphertextHeader.TryRead(ciphertext, out var header));
        Assert.Equal((row.Kind, row.KeyId, row.Version), (header.Kind, header.KeyId, header.KeyVersion));
        Assert.True(KeyAlgorithms.TryFind(header.Algorithm, out var algorithm));
        Assert.Equal(row.Spec, algorithm.Spec);

        using var cipher = new VersionCipher((AeadAlgorithm)algorithm, header.KeyId, header.KeyVersion, Material(algorithm));
        var plaintext = cipher.Decrypt(header, ciphertext, Encoding.ASCII.GetBytes(row.AssociatedData));
        Assert.NotNull(plaintext);
        Assert.Equal(row.Plaintext, Encoding.ASCII.GetString(plaintext));
    }

    [Theory]
    [MemberData(nameof(Indices))]
    public void Encrypt_WithItsNonce_GivesTheGolden(int index)
    {
        var row = GoldenCiphertexts.Rows[index];
        var algorithm = AeadRegistry.Algorithm(row.Spec);
        var nonce = new FixedNonce(AeadRegistry.Counting(algorithm.NonceLength, 0xa0));
        using var cipher = new VersionCipher(algorithm, row.KeyId, row.Version, Material(algorithm), nonce);
        var ciphertext = cipher.Encrypt(
            row.Kind, Encoding.ASCII.GetBytes(row.Plaintext), Encoding.ASCII.GetBytes(row.AssociatedData));
        Assert.Equal(row.Ciphertext, Convert.ToHexStringLower(ciphertext));
    }

    private static byte[] Material(KeyAlgorithm algorithm) => AeadRegistry.Counting(algorithm.MaterialLength);
}
