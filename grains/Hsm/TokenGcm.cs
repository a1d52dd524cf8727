using System.Security.Cryptography;
using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Grains.Hsm;

/// <summary>Who makes the IV of AES-GCM on a token.</summary>
internal enum GcmIv
{
    /// <summary>The caller, and the token uses it.</summary>
    Caller,

    /// <summary>The token, which writes it back to the parameters.</summary>
    WrittenBack,

    /// <summary>The token, which appends it to the ciphertext.</summary>
    Appended,
}

/// <summary>
/// AES-GCM (SP 800-38D) by C_Encrypt and C_Decrypt, as this token really does it. What it does is found by trying: lists of
/// mechanisms leave out what works and name what does not.
/// </summary>
internal sealed class TokenGcm
{
    /// <summary>How much longer a message is than its plaintext: nonce and tag.</summary>
    public const int Overhead = GcmParameters.IvLength + GcmParameters.TagLength;

    private readonly GcmIv _iv;
    private readonly CKR _forged;

    private TokenGcm(GcmIv iv, CKR forged, int largestMessage) => (_iv, _forged, LargestMessage) = (iv, forged, largestMessage);

    /// <summary>The largest plaintext that was tried and worked, in bytes.</summary>
    public int LargestMessage { get; private init; }

    /// <summary>What was found, for the log.</summary>
    public override string ToString() => $"AES-GCM (IV {_iv}, forgery {_forged}, messages to {LargestMessage} bytes)";

    /// <summary>Tries what the token does with a key that may encrypt and decrypt.</summary>
    /// <param name="session">A session.</param>
    /// <param name="key">The key.</param>
    /// <param name="largest">The largest plaintext that is wanted, in bytes.</param>
    /// <param name="failure">Why it is of no use here, when null is returned.</param>
    public static TokenGcm? Prove(HsmSession session, ulong key, int largest, out string failure)
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
            catch (HsmException e) when (!e.IsTokenLost)
            {
                failure = failure.Length > 0 ? failure : $"CKM_AES_GCM: {e.Message}";
            }
        }

        return null;
    }

    /// <summary>Encrypts under a fresh nonce.</summary>
    /// <returns>nonce || ciphertext || tag.</returns>
    /// <exception cref="Pkcs11Exception">The token does not do it.</exception>
    public byte[] Encrypt(HsmSession session, ulong key, byte[] plaintext, ReadOnlySpan<byte> associatedData)
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
    /// <param name="associatedData">What was given to encrypt.</param>
    /// <param name="plaintext">Receives the plaintext; at least as long as the message without its nonce.</param>
    /// <param name="knownAnswer">
    /// Asks the token something that it must know. Some tokens answer a forgery with the error of a broken device, and this
    /// tells the two apart.
    /// </param>
    /// <returns>The plaintext's length; null for a forgery.</returns>
    /// <exception cref="HsmException">The token does not do it, or is broken.</exception>
    public int? Decrypt(
        HsmSession session, ulong key, ReadOnlySpan<byte> message, ReadOnlySpan<byte> associatedData, byte[] plaintext,
        Func<HsmSession, bool> knownAnswer)
    {
        var code = TryDecrypt(session, key, message, associatedData, plaintext, out var length);
        if (code == CKR.CKR_OK)
        {
            return length;
        }

        CryptographicOperations.ZeroMemory(plaintext);
        var failure = new Pkcs11Exception("C_Decrypt (CKM_AES_GCM)", code);
        if (code is CKR.CKR_ENCRYPTED_DATA_INVALID or CKR.CKR_ENCRYPTED_DATA_LEN_RANGE || (code == _forged && !failure.IsSessionLost))
        {
            return code == CKR.CKR_ENCRYPTED_DATA_INVALID || knownAnswer(session) ? null : throw new HsmLostException(failure.Message, failure);
        }

        throw failure;
    }

    /// <summary>The same, with the error as it is.</summary>
    public static CKR TryDecrypt(
        HsmSession session, ulong key, ReadOnlySpan<byte> message, ReadOnlySpan<byte> associatedData, byte[] plaintext,
        out int length)
    {
        length = 0;
        if (message.Length < Overhead)
        {
            return CKR.CKR_ENCRYPTED_DATA_INVALID;
        }

        var parameters = new GcmParameters(message[..GcmParameters.IvLength], associatedData);
        var code = session.TryDecrypt(
            parameters.Mechanism, key, message[GcmParameters.IvLength..].ToArray(), plaintext, out length);
        GC.KeepAlive(parameters);
        return code;
    }

    private byte[] Encrypt(
        HsmSession session, ulong key, byte[] plaintext, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> given)
    {
        var parameters = new GcmParameters(given, associatedData);
        var appended = _iv == GcmIv.Appended ? GcmParameters.IvLength : 0;
        var (code, output) = session.TryEncrypt(
            parameters.Mechanism, key, plaintext, plaintext.Length + GcmParameters.TagLength + appended);
        if (code != CKR.CKR_OK)
        {
            throw new Pkcs11Exception("C_Encrypt (CKM_AES_GCM)", code);
        }

        var isGivenUsed = parameters.Iv.SequenceEqual(given);
        if (output.Length != plaintext.Length + GcmParameters.TagLength + appended
            || (_iv == GcmIv.Caller && !isGivenUsed) || (_iv == GcmIv.WrittenBack && isGivenUsed))
        {
            // Not what was proven; a nonce that is not known to be fresh must not be used.
            throw new HsmException("The token made something else of CKM_AES_GCM than expected.");
        }

        var message = new byte[plaintext.Length + Overhead];
        (appended > 0 ? output.AsSpan(output.Length - appended) : parameters.Iv).CopyTo(message);
        output.AsSpan(0, plaintext.Length + GcmParameters.TagLength).CopyTo(message.AsSpan(GcmParameters.IvLength));
        return message;
    }

    private TokenGcm? TryProve(HsmSession session, ulong key, int largest)
    {
        byte[] plaintext = [.. "a known text, for the self-test"u8];
        var associatedData = "okms.hsm.self-test"u8;
        var one = Encrypt(session, key, plaintext, associatedData);
        var two = Encrypt(session, key, plaintext, associatedData);
        if (one.AsSpan(0, GcmParameters.IvLength).SequenceEqual(two.AsSpan(0, GcmParameters.IvLength))
            || one.AsSpan(GcmParameters.IvLength).SequenceEqual(two.AsSpan(GcmParameters.IvLength))
            || !Opens(session, key, one, associatedData, plaintext) || !Opens(session, key, two, associatedData, plaintext)
            || TryDecrypt(session, key, one, "okms.hsm.another"u8, new byte[one.Length], out _) == CKR.CKR_OK)
        {
            return null;
        }

        one[^1] ^= 1;
        var forged = TryDecrypt(session, key, one, associatedData, new byte[one.Length], out _);
        return forged == CKR.CKR_OK || new Pkcs11Exception("", forged).IsSessionLost
            ? null
            : new TokenGcm(_iv, forged, FindLargest(session, key, largest));
    }

    private int FindLargest(HsmSession session, ulong key, int largest)
    {
        for (; largest > 0; largest /= 2)
        {
            var plaintext = new byte[largest];
            try
            {
                if (Opens(session, key, Encrypt(session, key, plaintext, []), [], plaintext))
                {
                    return largest;
                }
            }
            catch (Pkcs11Exception e) when (!e.IsTokenLost)
            {
                // Too large for this token.
            }
        }

        return 0;
    }

    private static bool Opens(
        HsmSession session, ulong key, byte[] message, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> plaintext)
    {
        var opened = new byte[message.Length];
        return TryDecrypt(session, key, message, associatedData, opened, out var length) == CKR.CKR_OK
            && opened.AsSpan(0, length).SequenceEqual(plaintext);
    }
}
