using System.Text.Json;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>Key encapsulation against that of @noble/post-quantum, an independent implementation in JavaScript, both ways.</summary>
public sealed class NobleEncapsulationTests
{
    [Theory]
    [InlineData("ML_KEM_512", 64, 800)]
    [InlineData("ML_KEM_768", 64, 1184)]
    [InlineData("ML_KEM_1024", 64, 1568)]
    [InlineData("X_WING", 32, 1216)]
    public async Task Noble_FindsOurSecrets_AndWeFindItsOwn(string spec, int seedLength, int keyLength)
    {
        var material = await AlgorithmRegistry.Material(spec, 1);
        using var pair = new KemPair(KemPair.Of(spec), material);
        var (ciphertext, secret) = pair.Encapsulate();
        var seed = Convert.ToHexStringLower(material.AsSpan(material.Length - seedLength));
        byte[] changed = [.. ciphertext[..^1], (byte)(ciphertext[^1] ^ 1)];
        var answer = (await NodeScript.Run("kem.mjs", new
        {
            spec,
            seed,
            publicKey = Convert.ToHexStringLower(pair.PublicPart.AsSpan(pair.PublicPart.Length - keyLength)),
            ciphertexts = new[] { Convert.ToHexStringLower(ciphertext), Convert.ToHexStringLower(changed) },
        })).Deserialize<NobleAnswer>(JsonSerializerOptions.Web)!;
        Assert.EndsWith(answer.PublicKey, Convert.ToHexStringLower(pair.PublicPart), StringComparison.Ordinal);
        Assert.Equal(Convert.ToHexStringLower(secret), answer.Secrets[0]);

        // Both reject in the same way.
        Assert.Equal(Convert.ToHexStringLower(pair.Decapsulate(changed)!), answer.Secrets[1]);
        Assert.NotEqual(answer.Secrets[0], answer.Secrets[1]);
        Assert.Equal(answer.Secret, Convert.ToHexStringLower(pair.Decapsulate(Convert.FromHexString(answer.Ciphertext))!));
    }

    private sealed record NobleAnswer(string PublicKey, string[] Secrets, string Ciphertext, string Secret);
}
