namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>A published test vector, in hexadecimal.</summary>
/// <param name="Name">Where it is published, and its name there.</param>
/// <param name="Spec">The algorithm.</param>
public sealed record AeadVector(string Name, string Spec)
{
    public required string Key { get; init; }
    public required string Nonce { get; init; }
    public string Plaintext { get; init; } = "";
    public string AssociatedData { get; init; } = "";
    public string Ciphertext { get; init; } = "";
    public required string Tag { get; init; }

    /// <summary>Shown as the test's argument.</summary>
    public override string ToString() => Name;

    internal void AssertHolds()
    {
        using var key = AlgorithmRegistry.Aead(Spec).OpenKey(Convert.FromHexString(Key));
        var nonce = Convert.FromHexString(Nonce);
        var plaintext = Convert.FromHexString(Plaintext);
        var associatedData = Convert.FromHexString(AssociatedData);

        var ciphertext = new byte[plaintext.Length];
        var tag = new byte[16];
        key.Encrypt(nonce, plaintext, ciphertext, tag, associatedData);
        Assert.Equal(Ciphertext, Convert.ToHexStringLower(ciphertext));
        Assert.Equal(Tag, Convert.ToHexStringLower(tag));

        var decrypted = new byte[plaintext.Length];
        Assert.True(key.TryDecrypt(nonce, ciphertext, tag, decrypted, associatedData));
        Assert.Equal(plaintext, decrypted);
    }
}
