using System.Security.Cryptography;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>The AEADs against those of @noble/ciphers, an independent implementation in JavaScript, both ways.</summary>
public class NobleAeadTests
{
    private sealed record Case(byte[] Key, byte[] Nonce, byte[] AssociatedData, byte[] Plaintext, byte[] Ciphertext);

    // XAES_256_GCM is not among them, and AES_128_GCM is the same code as AES_256_GCM.
    [Theory]
    [InlineData("AES_256_GCM")]
    [InlineData("AES_256_GCM_SIV")]
    [InlineData("CHACHA20_POLY1305")]
    [InlineData("XCHACHA20_POLY1305")]
    public async Task Noble_OpensOurs_AndMakesTheSame(string spec)
    {
        var cases = new[] { 0, 1, 15, 16, 17, 63, 64, 65, 127, 128, 129, 1021, 4099, 65537 }.Select(length => Made(spec, length)).ToArray();
        Assert.Equal(
            cases.Select(c => Convert.ToHexStringLower(c.Plaintext)), await Noble(spec, decrypt: true, cases.Select(c => (c, c.Ciphertext))));
        Assert.Equal(
            cases.Select(c => Convert.ToHexStringLower(c.Ciphertext)), await Noble(spec, decrypt: false, cases.Select(c => (c, c.Plaintext))));
        Assert.All(await Noble(spec, decrypt: true, cases.Select(c => (c, Changed(c.Ciphertext)))), Assert.Null);
    }

    private static async Task<IEnumerable<string?>> Noble(string spec, bool decrypt, IEnumerable<(Case Case, byte[] Text)> texts)
    {
        var answer = await NodeScript.Run("aead.mjs", new
        {
            spec,
            decrypt,
            cases = texts.Select(t => new
            {
                key = Convert.ToHexString(t.Case.Key),
                nonce = Convert.ToHexString(t.Case.Nonce),
                associatedData = Convert.ToHexString(t.Case.AssociatedData),
                text = Convert.ToHexString(t.Text),
            }),
        });
        return answer.EnumerateArray().Select(text => text.GetString());
    }

    private static Case Made(string spec, int length)
    {
        var algorithm = AlgorithmRegistry.Aead(spec);
        var (material, nonce) = (RandomNumberGenerator.GetBytes(algorithm.MaterialLength), RandomNumberGenerator.GetBytes(algorithm.NonceLength));
        var (plaintext, associatedData) = (RandomNumberGenerator.GetBytes(length), RandomNumberGenerator.GetBytes(length % 97));
        var both = new byte[length + 16];
        using var key = algorithm.OpenKey(material);
        key.Encrypt(nonce, plaintext, both.AsSpan(0, length), both.AsSpan(length), associatedData);
        return new(material, nonce, associatedData, plaintext, both);
    }

    private static byte[] Changed(byte[] ciphertext) => [.. ciphertext[..^1], (byte)(ciphertext[^1] ^ 1)];
}
