using Net.Pkcs11Interop.Common;
using Net.Pkcs11Interop.LowLevelAPI80;

namespace OrleansKms.Grains.Hsm;

/// <summary>The result of a token, and the function it came from: an operation takes two of them.</summary>
/// <param name="Function">The function's name.</param>
/// <param name="Code">Its return code.</param>
internal readonly record struct TokenAnswer(string Function, CKR Code)
{
    /// <summary>Whether it succeeded.</summary>
    public bool IsOk => Code == CKR.CKR_OK;

    /// <summary>The error as an exception.</summary>
    /// <param name="mechanism">The mechanism that was requested.</param>
    public Pkcs11Exception Failure(string mechanism) => new($"{Function} ({mechanism})", Code);
}

/// <summary>
/// C_Encrypt and C_Decrypt of a token, with errors as they are: all that mechanisms need of a session. A failed operation is
/// ended, so that it does not block the next one.
/// </summary>
internal interface ITokenCipher
{
    /// <summary>Encrypts a message in one call.</summary>
    /// <param name="mechanism">The mechanism and its parameters.</param>
    /// <param name="key">The key.</param>
    /// <param name="plaintext">The message.</param>
    /// <param name="room">The maximum length of the ciphertext, in bytes.</param>
    /// <returns>The result, and the ciphertext if it succeeded.</returns>
    (TokenAnswer Answer, byte[] Ciphertext) TryEncrypt(CK_MECHANISM mechanism, ulong key, byte[] plaintext, int room);

    /// <summary>Decrypts a message in one call.</summary>
    /// <param name="mechanism">The mechanism and its parameters.</param>
    /// <param name="key">The key.</param>
    /// <param name="ciphertext">The message.</param>
    /// <param name="plaintext">Receives the plaintext; at least as long as the ciphertext.</param>
    /// <param name="length">The plaintext's length.</param>
    TokenAnswer TryDecrypt(CK_MECHANISM mechanism, ulong key, byte[] ciphertext, byte[] plaintext, out int length);
}
