using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Math.EC.Rfc8032;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Grains.Audit.Transparency;

/// <summary>A private key that signs notes: Ed25519 (RFC 8032) over the note's text.</summary>
internal sealed class NoteSigner : IDisposable
{
    /// <summary>Length of the seed in bytes.</summary>
    public const int SeedLength = 32;

    private readonly byte[] _seed = GC.AllocateArray<byte>(SeedLength, pinned: true);

    /// <summary>Creates a signer.</summary>
    /// <param name="name">The key's name.</param>
    /// <param name="seed">32 bytes. They are copied; disposal zeroes the copy.</param>
    public NoteSigner(string name, SecretBytes seed)
    {
        seed.Span.CopyTo(_seed);
        var publicKey = new byte[Ed25519.PublicKeySize];
        Ed25519.GeneratePublicKey(_seed, 0, publicKey, 0);
        Verifier = new(name, publicKey);
    }

    /// <summary>The verifier for its signatures.</summary>
    public NoteVerifier Verifier { get; }

    /// <summary>Signs a text, which must end in a newline.</summary>
    public SignedNote Sign(string text)
    {
        var message = Encoding.UTF8.GetBytes(text);
        var signature = new byte[Ed25519.SignatureSize];
        Ed25519.Sign(_seed, 0, message, 0, message.Length, signature, 0);
        return new(text, [new(Verifier.Name, Verifier.KeyId, signature)]);
    }

    /// <inheritdoc/>
    public void Dispose() => CryptographicOperations.ZeroMemory(_seed);
}
