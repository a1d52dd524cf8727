using OrleansKms.Grains.Cryptography.Aead;

namespace OrleansKms.Silo.Verbs.Files;

/// <summary>An AEAD for the chunks of a file. Both have keys of 32 bytes, nonces of 12 and tags of 16.</summary>
/// <param name="Name">What the command line calls it.</param>
/// <param name="Algorithm">The AEAD; its byte in ciphertexts is also that in headers of files.</param>
internal sealed record FileCipher(string Name, AeadAlgorithm Algorithm)
{
    /// <summary>The default: the fastest where processors have instructions for AES.</summary>
    public static readonly FileCipher Aes256Gcm = new("aes-256-gcm", new Aes256GcmAlgorithm());

    /// <summary>The fastest where they do not.</summary>
    public static readonly FileCipher ChaCha20Poly1305 = new("chacha20-poly1305", new ChaCha20Poly1305Algorithm());

    /// <summary>Every cipher of files.</summary>
    public static IReadOnlyList<FileCipher> All { get; } = [Aes256Gcm, ChaCha20Poly1305];

    /// <summary>The byte in headers.</summary>
    public byte Id => Algorithm.Id;

    /// <summary>The cipher of a byte in a header; null for an unknown one.</summary>
    public static FileCipher? Of(byte id) => All.FirstOrDefault(cipher => cipher.Id == id);
}
