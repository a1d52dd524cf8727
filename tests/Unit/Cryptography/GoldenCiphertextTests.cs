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
        foreach (var spec in AlgorithmRegistry.Aeads.Select(r => r.Spec))
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
        var algorithm = AlgorithmRegistry.Aead(row.Spec);
        Assert.Equal(algorithm.Id, header.Algorithm);

        using var cipher = algorithm.Open(header.KeyId, header.KeyVersion);
        var plaintext = cipher.DecryptToArray(header, ciphertext, Encoding.ASCII.GetBytes(row.AssociatedData));
        Assert.NotNull(plaintext);
        Assert.Equal(row.Plaintext, Encoding.ASCII.GetString(plaintext));
    }

    [Theory]
    [MemberData(nameof(Indices))]
    public void Encrypt_WithItsNonce_GivesTheGolden(int index)
    {
        var row = GoldenCiphertexts.Rows[index];
        var algorithm = AlgorithmRegistry.Aead(row.Spec);
        var nonce = new FixedNonce(AlgorithmRegistry.Counting(algorithm.NonceLength, 0xa0));
        var material = AlgorithmRegistry.Counting(algorithm.MaterialLength);
        using var cipher = new AeadVersion(algorithm, row.KeyId, row.Version, material, nonce);
        var ciphertext = cipher.EncryptToArray(
            row.Kind, Encoding.ASCII.GetBytes(row.Plaintext), Encoding.ASCII.GetBytes(row.AssociatedData));
        Assert.Equal(row.Ciphertext, Convert.ToHexStringLower(ciphertext));
    }
}
