namespace OrleansKms;

/// <summary>What a key may be used for. A key has one usage (SP 800-57 part 1, 5.2).</summary>
[GenerateSerializer, Alias("okms.KeyUsage")]
public enum KeyUsage
{
    /// <summary>Encryption, decryption and data keys.</summary>
    EncryptDecrypt = 0,
    /// <summary>Digital signatures.</summary>
    SignVerify = 1,
    /// <summary>Message authentication codes.</summary>
    Mac = 2,
    /// <summary>Derivation of keys from the material.</summary>
    Derive = 3,
    /// <summary>Key encapsulation.</summary>
    Encapsulate = 4,
    /// <summary>Key agreement with somebody's public key.</summary>
    KeyAgreement = 5,
    /// <summary>Signed tokens (JWS) only.</summary>
    Jws = 6,
}
