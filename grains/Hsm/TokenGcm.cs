using System.Numerics;
using System.Security.Cryptography;
using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Grains.Hsm;

/// <summary>Who makes the IV of AES-GCM on a token.</summary>
internal enum GcmIv
{
    /// <summary>The caller makes it.</summary>
    Caller,

    /// <summary>The token makes it, and writes it back to the parameters.</summary>
    WrittenBack,

    /// <summary>The token makes it, and appends it to the ciphertext.</summary>
    Appended,
}

/// <summary>
/// AES-GCM (SP 800-38D) by C_Encrypt and C_Decrypt, as this token really does it. That is found out by trying: mechanism lists
/// omit what works and name what does not.
/// </summary>
internal sealed class TokenGcm
{
    /// <summary>How many bytes longer a message is than its plaintext: nonce and tag.</summary>
    public const int Overhead = GcmParameters.IvLength + GcmParameters.TagLength;

    // Some tokens make an IV of a whole block, which is useless here but must not look like something else.
    private const int MaxIv = 16;

    private const string Name = "CKM_AES_GCM";

    private readonly GcmIv _iv;
    private readonly CKR _forged;

    private TokenGcm(GcmIv iv, CKR forged, int largestMessage) => (_iv, _forged, MaxMessage) = (iv, forged, largestMessage);

    /// <summary>The largest plaintext that worked when tried, in bytes.</summary>
    public int MaxMessage { get; private init; }

    /// <summary>What was found, for the log.</summary>
    public override string ToString() => $"AES-GCM (IV {_iv}, forgery {_forged}, messages to {MaxMessage} bytes)";

    /// <summary>Finds out how the token does it, with a key that may encrypt and decrypt.</summary>
    /// <param name="session">A session.</param>
    /// <param name="key">The key.</param>
    /// <param name="largest">The largest plaintext wanted, in bytes.</param>
    /// <param name="failure">Why it is unusable here, when null is returned.</param>
    public static TokenGcm? Prove(ITokenCipher session, ulong key, int largest, out string failure)
    {
        failure = "";
        foreach (var iv in (GcmIv[])[GcmIv.Caller, GcmIv.WrittenBack, GcmIv.Appended])
        {
            var tried = new TokenGcm(iv, CKR.CKR_OK, 0);
            try
            {
                if (tried.TryProve(session, key, largest) is { } proven)
                {
                    return proven;
                }

                failure = failure.Length > 0 ? failure : "CKM_AES_GCM does not authenticate";
            }
            catch (HsmException e) when (IsOfTheMechanism(e))
            {
                failure = failure.Length > 0 ? failure : e is Pkcs11Exception ? e.Message : $"{Name}: {e.Message}";
            }
        }

        return null;
    }

    /// <summary>Encrypts under a fresh nonce.</summary>
    /// <returns>nonce || ciphertext || tag.</returns>
    /// <exception cref="Pkcs11Exception">The token refused.</exception>
    public byte[] Encrypt(ITokenCipher session, ulong key, byte[] plaintext, ReadOnlySpan<byte> associatedData)
    {
        Span<byte> given = stackalloc byte[GcmParameters.IvLength];
        given.Clear();
        if (_iv == GcmIv.Caller)
        {
            NonceSource.System.Next(given);
        }

        return Encrypt(session, key, plaintext, associatedData, given);
    }

    /// <summary>Decrypts and verifies.</summary>
    /// <param name="session">A session.</param>
    /// <param name="key">The key.</param>
    /// <param name="message">nonce || ciphertext || tag.</param>
    /// <param name="associatedData">The associated data given to encrypt.</param>
    /// <param name="plaintext">Receives the plaintext; at least as long as the message without its nonce.</param>
    /// <param name="knownAnswer">
    /// Checks that the token works. Some tokens answer a forgery with the error of a broken device, and this tells the two apart.
    /// </param>
    /// <returns>The plaintext's length; null for a forgery.</returns>
    /// <exception cref="HsmSizeException">It is larger than anything that worked when tried, and does not open.</exception>
    /// <exception cref="HsmException">The token refused, or is broken.</exception>
    public int? Decrypt(
        ITokenCipher session, ulong key, ReadOnlySpan<byte> message, ReadOnlySpan<byte> associatedData, byte[] plaintext,
        Func<bool> knownAnswer)
    {
        var answer = TryDecrypt(session, key, message, associatedData, plaintext, out var length);
        if (answer.IsOk)
        {
            return length;
        }

        CryptographicOperations.ZeroMemory(plaintext);
        var code = answer.Code;
        if (code == CKR.CKR_ENCRYPTED_DATA_INVALID)
        {
            return null;
        }

        var failure = answer.Failure(Name);
        var isForgery = code == CKR.CKR_ENCRYPTED_DATA_LEN_RANGE || (code == _forged && !failure.IsSessionLost);
        var isTooLarge = message.Length - Overhead > MaxMessage && (isForgery || !failure.IsTokenLost);
        if (!isForgery && !isTooLarge)
        {
            throw failure;
        }

        if (!knownAnswer())
        {
            throw new HsmLostException(failure.Message, failure);
        }

        // A message larger than any that was tried cannot be called forged.
        return isTooLarge ? throw new HsmSizeException(MaxMessage, failure) : null;
    }

    /// <summary>The same, with the error as it is.</summary>
    public static TokenAnswer TryDecrypt(
        ITokenCipher session, ulong key, ReadOnlySpan<byte> message, ReadOnlySpan<byte> associatedData, byte[] plaintext,
        out int length)
    {
        length = 0;
        if (message.Length < Overhead)
        {
            return new("C_Decrypt", CKR.CKR_ENCRYPTED_DATA_INVALID);
        }

        var parameters = new GcmParameters(message[..GcmParameters.IvLength], associatedData);
        var answer = session.TryDecrypt(
            parameters.Mechanism, key, message[GcmParameters.IvLength..].ToArray(), plaintext, out length);
        GC.KeepAlive(parameters);
        return answer;
    }

    private byte[] Encrypt(
        ITokenCipher session, ulong key, byte[] plaintext, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> given)
    {
        var parameters = new GcmParameters(given, associatedData);
        var appended = _iv == GcmIv.Appended ? GcmParameters.IvLength : 0;

        // Room for an IV whether or not one is expected: the output, not the error, tells what the token makes.
        var (answer, output) = session.TryEncrypt(
            parameters.Mechanism, key, plaintext, plaintext.Length + GcmParameters.TagLength + MaxIv);
        if (!answer.IsOk)
        {
            throw answer.Failure(Name);
        }

        var isGivenUsed = parameters.Iv.SequenceEqual(given);
        if (output.Length != plaintext.Length + GcmParameters.TagLength + appended
            || (_iv == GcmIv.Caller && !isGivenUsed) || (_iv == GcmIv.WrittenBack && isGivenUsed))
        {
            // The output differs from what was tested; a nonce that may not be fresh must not be used.
            throw new HsmException("The output of CKM_AES_GCM differs from what the token made when it was tested.");
        }

        var message = new byte[plaintext.Length + Overhead];
        (appended > 0 ? output.AsSpan(output.Length - appended) : parameters.Iv).CopyTo(message);
        output.AsSpan(0, plaintext.Length + GcmParameters.TagLength).CopyTo(message.AsSpan(GcmParameters.IvLength));
        return message;
    }

    private TokenGcm? TryProve(ITokenCipher session, ulong key, int largest)
    {
        byte[] plaintext = [.. "a known text, for the self-test"u8];
        var associatedData = "okms.hsm.self-test"u8;
        var one = Encrypt(session, key, plaintext, associatedData);
        var two = Encrypt(session, key, plaintext, associatedData);
        if (one.AsSpan(0, GcmParameters.IvLength).SequenceEqual(two.AsSpan(0, GcmParameters.IvLength))
            || one.AsSpan(GcmParameters.IvLength).SequenceEqual(two.AsSpan(GcmParameters.IvLength))
            || !Opens(session, key, one, associatedData, plaintext) || !Opens(session, key, two, associatedData, plaintext)
            || TryDecrypt(session, key, one, "okms.hsm.another"u8, new byte[one.Length], out _).IsOk)
        {
            return null;
        }

        one[^1] ^= 1;
        var forged = TryDecrypt(session, key, one, associatedData, new byte[one.Length], out _).Code;
        return forged == CKR.CKR_OK || new Pkcs11Exception("", forged).IsSessionLost
            ? null
            : new TokenGcm(_iv, forged, FindLargest(session, key, largest));
    }

    // The wanted size, or else a power of two, so that the result depends on the token alone.
    private int FindLargest(ITokenCipher session, ulong key, int wanted)
    {
        var size = wanted;
        while (size > 0 && !Takes(session, key, size))
        {
            size = size == 1 ? 0 : 1 << BitOperations.Log2((uint)size - 1);
        }

        return size;
    }

    private bool Takes(ITokenCipher session, ulong key, int size)
    {
        var plaintext = new byte[size];
        try
        {
            return Opens(session, key, Encrypt(session, key, plaintext, []), [], plaintext);
        }
        catch (HsmException e) when (IsOfTheMechanism(e))
        {
            return false;
        }
    }

    // An operation that a token does not let go of is not a lost token either: the next attempt shows.
    private static bool IsOfTheMechanism(HsmException e) => !e.IsTokenLost || e is Pkcs11Exception { Code: CKR.CKR_OPERATION_ACTIVE };

    private static bool Opens(
        ITokenCipher session, ulong key, byte[] message, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> plaintext)
    {
        var opened = new byte[message.Length];
        return TryDecrypt(session, key, message, associatedData, opened, out var length).IsOk
            && opened.AsSpan(0, length).SequenceEqual(plaintext);
    }
}
