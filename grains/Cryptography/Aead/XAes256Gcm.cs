using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Aead;

/// <summary>
/// The primitive XAES-256-GCM (c2sp.org/XAES-256-GCM): derives a key for each message from the first half of the nonce, by the
/// counter KDF of SP 800-108r1, 4.1 with CMAC-AES-256 (SP 800-38B), then encrypts by AES-256-GCM (SP 800-38D) under the second
/// half. Thread-safe, since one KEK serves all threads.
/// </summary>
/// <remarks>Key 256 bits, nonce 192 bits, tag 128 bits; the limit on random nonces is out of reach.</remarks>
public sealed class XAes256Gcm : IDisposable
{
    /// <summary>Length of the key in bytes.</summary>
    public const int KeyLength = 32;

    /// <summary>Length of the nonce in bytes.</summary>
    public const int NonceLength = 24;

    /// <summary>Length of the tag in bytes.</summary>
    public const int TagLength = AeadAlgorithm.TagLength;

    private const int BlockLength = 16;
    private const int ContextLength = 12;

    // The native AES context has state, so one thread uses it at a time; the lock is held for one call that encrypts two blocks.
    // The buffers belong to that call. They are arrays because ICryptoTransform takes no spans.
    private readonly Lock _derivation = new();
    private readonly ICryptoTransform _aes;
    private readonly byte[] _input = GC.AllocateArray<byte>(KeyLength, pinned: true);
    private readonly byte[] _output = GC.AllocateArray<byte>(KeyLength, pinned: true);
    private readonly SecretBytes _subkey1 = new(BlockLength);
    private bool _disposed;

    /// <summary>Opens a key. The argument may be zeroed as soon as this returns.</summary>
    /// <param name="key">Exactly 32 bytes.</param>
    /// <exception cref="ArgumentException">The key has the wrong length.</exception>
    public XAes256Gcm(ReadOnlySpan<byte> key)
    {
        if (key.Length != KeyLength)
        {
            throw new ArgumentException($"An XAES-256-GCM key must be {KeyLength} bytes.", nameof(key));
        }

        _aes = CreateBlockCipher(key);

        // SP 800-38B, 6.1: K1 is AES(0) doubled in GF(2^128). Only K1 is needed, because each CMAC input is one full block.
        _aes.TransformBlock(_input, 0, BlockLength, _output, 0);
        Double(_output.AsSpan(0, BlockLength), _subkey1.Span);
        CryptographicOperations.ZeroMemory(_output);
    }

    /// <summary>Encrypts. A nonce must never repeat under one key.</summary>
    /// <param name="nonce">24 bytes, random.</param>
    /// <param name="plaintext">Any length, including zero.</param>
    /// <param name="ciphertext">Receives the ciphertext; exactly as long as the plaintext.</param>
    /// <param name="tag">Receives the tag; 16 bytes.</param>
    /// <param name="associatedData">Authenticated, not encrypted.</param>
    /// <exception cref="ArgumentException">A length is wrong.</exception>
    /// <exception cref="ObjectDisposedException">The key is disposed.</exception>
    public void Encrypt(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext, Span<byte> tag,
        ReadOnlySpan<byte> associatedData = default)
    {
        Check(nonce.Length, plaintext.Length, ciphertext.Length, tag.Length);
        using var gcm = DeriveMessageKey(nonce);
        gcm.Encrypt(nonce[ContextLength..], plaintext, ciphertext, tag, associatedData);
    }

    /// <summary>Decrypts and verifies.</summary>
    /// <param name="nonce">24 bytes.</param>
    /// <param name="ciphertext">The ciphertext without its tag.</param>
    /// <param name="tag">The tag; 16 bytes.</param>
    /// <param name="plaintext">Receives the plaintext; exactly as long as the ciphertext. All zeros after a forgery.</param>
    /// <param name="associatedData">The associated data given to encrypt.</param>
    /// <returns>False for a forgery, whatever was changed.</returns>
    /// <exception cref="ArgumentException">A length is wrong.</exception>
    /// <exception cref="ObjectDisposedException">The key is disposed.</exception>
    public bool TryDecrypt(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> tag,
        Span<byte> plaintext, ReadOnlySpan<byte> associatedData = default)
    {
        Check(nonce.Length, plaintext.Length, ciphertext.Length, tag.Length);
        using var gcm = DeriveMessageKey(nonce);
        try
        {
            gcm.Decrypt(nonce[ContextLength..], ciphertext, tag, plaintext, associatedData);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            plaintext.Clear();
            return false;
        }
    }

    /// <summary>Erases the key and everything derived from it; waits for a derivation in progress.</summary>
    public void Dispose()
    {
        lock (_derivation)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            _aes.Dispose();
            _subkey1.Dispose();
            CryptographicOperations.ZeroMemory(_input);
            CryptographicOperations.ZeroMemory(_output);
        }
    }

    private static void Check(int nonce, int plaintext, int ciphertext, int tag)
    {
        if (nonce != NonceLength || plaintext != ciphertext || tag != TagLength)
        {
            throw new ArgumentException(
                $"The nonce must be {NonceLength} bytes, the tag {TagLength}, and the ciphertext as long as the plaintext.");
        }
    }

    private static ICryptoTransform CreateBlockCipher(ReadOnlySpan<byte> key)
    {
        // The transform takes an array and hands it to the native context at once, so the array is pinned and zeroed here.
        var copy = GC.AllocateUninitializedArray<byte>(KeyLength, pinned: true);
        try
        {
            key.CopyTo(copy);
            using var aes = Aes.Create();
#pragma warning disable CA5358 // CMAC is built from single blocks; nothing is encrypted in this mode.
            aes.Mode = CipherMode.ECB;
#pragma warning restore CA5358
            aes.Padding = PaddingMode.None;
            return aes.CreateEncryptor(copy, null);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(copy);
        }
    }

    private static void Double(ReadOnlySpan<byte> block, Span<byte> doubled)
    {
        // Without a branch on the secret's first bit: the mask is all ones if it is set.
        var reduction = (byte)(0x87 & -(block[0] >> 7));
        for (var i = 0; i < BlockLength - 1; i++)
        {
            doubled[i] = (byte)((block[i] << 1) | (block[i + 1] >> 7));
        }

        doubled[^1] = (byte)((block[^1] << 1) ^ reduction);
    }

    private AesGcm DeriveMessageKey(ReadOnlySpan<byte> nonce)
    {
        Span<byte> messageKey = stackalloc byte[KeyLength];
        try
        {
            Derive(nonce[..ContextLength], messageKey);
            return new AesGcm(messageKey, TagLength);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(messageKey);
        }
    }

    private void Derive(ReadOnlySpan<byte> context, Span<byte> messageKey)
    {
        lock (_derivation)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            WriteCmacInput(counter: 1, context, _input.AsSpan(0, BlockLength));
            WriteCmacInput(counter: 2, context, _input.AsSpan(BlockLength));
            _aes.TransformBlock(_input, 0, KeyLength, _output, 0);
            _output.CopyTo(messageKey);
            CryptographicOperations.ZeroMemory(_output);
        }
    }

    // SP 800-108r1, 4.1: counter (16 bits) || label "X" || 0x00 || context; the last CMAC block is XORed with K1.
    private void WriteCmacInput(byte counter, ReadOnlySpan<byte> context, Span<byte> block)
    {
        block[0] = 0;
        block[1] = counter;
        block[2] = (byte)'X';
        block[3] = 0;
        context.CopyTo(block[4..]);
        var subkey = _subkey1.Span;
        for (var i = 0; i < BlockLength; i++)
        {
            block[i] ^= subkey[i];
        }
    }
}
