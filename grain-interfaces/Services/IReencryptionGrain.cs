namespace OrleansKms;

/// <summary>
/// Moves a ciphertext from one key to another without the plaintext leaving the silos. A stateless worker between the two keys,
/// so that two keys that re-encrypt to each other at the same time cannot deadlock.
/// </summary>
[Alias("okms.IReencryptionGrain")]
public interface IReencryptionGrain : IGrainWithIntegerKey
{
    /// <summary>Decrypts with the key that the ciphertext names and encrypts with another, keeping the kind.</summary>
    [Alias("Reencrypt"), Operation("keys:reencrypt")] Task<Reencrypted> Reencrypt(Reencrypt request);
}

/// <summary>Requests a ciphertext under another key.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Ciphertext">A ciphertext of any key.</param>
/// <param name="AssociatedData">The associated data it was made with.</param>
/// <param name="DestinationKeyId">The key to encrypt with; not an alias.</param>
/// <param name="DestinationAssociatedData">The associated data of the new ciphertext.</param>
[GenerateSerializer, Immutable, Alias("okms.Reencrypt")]
public sealed record Reencrypt(
    [property: Id(0)] Caller Caller,
    [property: Id(1)] byte[] Ciphertext,
    [property: Id(2)] byte[]? AssociatedData,
    [property: Id(3)] string DestinationKeyId,
    [property: Id(4)] byte[]? DestinationAssociatedData) : ICallerRequest;

/// <summary>A ciphertext under another key.</summary>
/// <param name="KeyId">The destination key.</param>
/// <param name="KeyVersion">Its version.</param>
/// <param name="Ciphertext">The new ciphertext.</param>
[GenerateSerializer, Immutable, Alias("okms.Reencrypted")]
public sealed record Reencrypted([property: Id(0)] string KeyId, [property: Id(1)] int KeyVersion, [property: Id(2)] byte[] Ciphertext);
