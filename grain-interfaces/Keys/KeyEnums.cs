namespace OrleansKms;

/// <summary>Where a key is in its life.</summary>
[GenerateSerializer, Alias("okms.KeyState")]
public enum KeyState
{
    /// <summary>Usable.</summary>
    Enabled = 0,
    /// <summary>Not usable until enabled again.</summary>
    Disabled = 1,
    /// <summary>Created to receive its material from outside, which has not come yet.</summary>
    PendingImport = 2,
    /// <summary>Not usable; its material is erased at the deletion time unless the deletion is cancelled.</summary>
    PendingDeletion = 3,
    /// <summary>A tombstone: the material is gone and the id is never used again.</summary>
    Destroyed = 4,
}

/// <summary>Where one version of a key is in its life.</summary>
[GenerateSerializer, Alias("okms.KeyVersionState")]
public enum KeyVersionState
{
    /// <summary>Usable.</summary>
    Enabled = 0,
    /// <summary>Not usable until enabled again.</summary>
    Disabled = 1,
    /// <summary>The material is gone for ever.</summary>
    Destroyed = 2,
    /// <summary>Not usable; its material is erased at the time of its destruction unless that is cancelled.</summary>
    PendingDestruction = 3,
}

/// <summary>What a key may be used for. One key has one use (SP 800-57 part 1, 5.2).</summary>
[GenerateSerializer, Alias("okms.KeyUsage")]
public enum KeyUsage
{
    /// <summary>Encryption, decryption and data keys.</summary>
    EncryptDecrypt = 0,
    /// <summary>Digital signatures.</summary>
    SignVerify = 1,
    /// <summary>Message authentication codes.</summary>
    Mac = 2,
    /// <summary>Derivation and key agreement.</summary>
    Derive = 3,
    /// <summary>Key encapsulation.</summary>
    Encapsulate = 4,
}

/// <summary>Where a key's material lives while it is used.</summary>
[GenerateSerializer, Alias("okms.KeyProtection")]
public enum KeyProtection
{
    /// <summary>In the silo's memory.</summary>
    Software = 0,
    /// <summary>In the HSM, which it never leaves.</summary>
    Hsm = 1,
}

/// <summary>Where a key's material comes from.</summary>
[GenerateSerializer, Alias("okms.KeyOrigin")]
public enum KeyOrigin
{
    /// <summary>Made by this service.</summary>
    Generated = 0,
    /// <summary>Imported by its owner.</summary>
    External = 1,
}

/// <summary>What a ciphertext holds. Its value is the ciphertext's format byte.</summary>
[GenerateSerializer, Alias("okms.CiphertextKind")]
public enum CiphertextKind
{
    /// <summary>No ciphertext has this kind.</summary>
    None = 0,
    /// <summary>Data that a caller encrypted.</summary>
    Data = 1,
    /// <summary>A data key made by this service.</summary>
    DataKey = 2,
    /// <summary>The private key of a data-key pair made by this service.</summary>
    DataKeyPair = 3,
}
