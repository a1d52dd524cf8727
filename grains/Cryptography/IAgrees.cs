namespace OrleansKms.Grains.Cryptography;

/// <summary>A version that agrees on a secret with the owner of a public key.</summary>
public interface IAgrees : IKeyVersion
{
    /// <summary>Agrees.</summary>
    /// <param name="publicKey">The other side's public key (SubjectPublicKeyInfo, DER); may be anything, and must not change before this completes.</param>
    /// <returns>
    /// The shared secret, which the caller disposes; null where the bytes are not a public key of this version's kind, or one that leads
    /// to no secret.
    /// </returns>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    ValueTask<SecretBytes?> Agree(ReadOnlyMemory<byte> publicKey);
}
