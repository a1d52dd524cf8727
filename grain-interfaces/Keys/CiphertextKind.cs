namespace OrleansKms;

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
