using System.Security.Cryptography;
using Net.Pkcs11Interop.Common;
using Net.Pkcs11Interop.LowLevelAPI80;

namespace OrleansKms.Grains.Hsm;

/// <summary>
/// AES key wrap with padding (RFC 5649, CKM_AES_KEY_WRAP_PAD) by C_Encrypt and C_Decrypt, for tokens without AES-GCM. It
/// authenticates with 64 bits, takes no associated data, and is deterministic.
/// </summary>
internal sealed class TokenKeyWrap
{
    private const string Name = "CKM_AES_KEY_WRAP_PAD";

    private readonly CKR _forged;

    private TokenKeyWrap(CKR forged) => _forged = forged;

    private static CK_MECHANISM Mechanism => new() { Mechanism = (ulong)CKM.CKM_AES_KEY_WRAP_PAD };

    /// <summary>What was found, for the log.</summary>
    public override string ToString() => $"AES-KEY-WRAP-PAD (forgery {_forged})";

    /// <summary>Finds out whether the token does it.</summary>
    public static TokenKeyWrap? Prove(ITokenCipher session, ulong key, out string failure)
    {
        // Not a multiple of eight bytes, so that padding is tested too.
        var secret = "a known text, for the self-test"u8.ToArray();
        var (answer, wrapped) = session.TryEncrypt(Mechanism, key, secret, WrappedLength(secret.Length));
        failure = "CKM_AES_KEY_WRAP_PAD is another algorithm than RFC 5649";
        if (!answer.IsOk)
        {
            failure = answer.Failure(Name).Message;
            return null;
        }

        var opened = new byte[wrapped.Length];
        if (wrapped.Length != WrappedLength(secret.Length)
            || !session.TryDecrypt(Mechanism, key, wrapped, opened, out var length).IsOk
            || !opened.AsSpan(0, length).SequenceEqual(secret))
        {
            return null;
        }

        wrapped[^1] ^= 1;
        var forged = session.TryDecrypt(Mechanism, key, wrapped, opened, out _).Code;
        return forged == CKR.CKR_OK || new Pkcs11Exception("", forged).IsSessionLost ? null : new TokenKeyWrap(forged);
    }

    /// <summary>Wraps a secret.</summary>
    /// <exception cref="Pkcs11Exception">The token refused.</exception>
    public static byte[] Wrap(ITokenCipher session, ulong key, byte[] secret)
    {
        var (answer, wrapped) = session.TryEncrypt(Mechanism, key, secret, WrappedLength(secret.Length));
        return answer.IsOk ? wrapped : throw answer.Failure(Name);
    }

    /// <summary>Opens a wrapped secret.</summary>
    /// <returns>The secret's length; null for a forgery.</returns>
    /// <exception cref="HsmException">The token refused, or is broken.</exception>
    public int? Unwrap(ITokenCipher session, ulong key, byte[] wrapped, byte[] secret, Func<bool> knownAnswer)
    {
        var answer = session.TryDecrypt(Mechanism, key, wrapped, secret, out var length);
        if (answer.IsOk)
        {
            return length;
        }

        CryptographicOperations.ZeroMemory(secret);
        var failure = answer.Failure(Name);
        if (answer.Code == CKR.CKR_ENCRYPTED_DATA_INVALID)
        {
            return null;
        }

        if (answer.Code == _forged && !failure.IsSessionLost)
        {
            return knownAnswer() ? null : throw new HsmLostException(failure.Message, failure);
        }

        throw failure;
    }

    /// <summary>The same, with the error as it is.</summary>
    public static TokenAnswer TryUnwrap(ITokenCipher session, ulong key, byte[] wrapped, byte[] secret, out int length) =>
        session.TryDecrypt(Mechanism, key, wrapped, secret, out length);

    private static int WrappedLength(int length) => ((length + 7) / 8 * 8) + 8;
}
