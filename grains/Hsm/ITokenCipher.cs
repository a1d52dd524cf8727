using Net.Pkcs11Interop.Common;
using Net.Pkcs11Interop.LowLevelAPI80;

namespace OrleansKms.Grains.Hsm;

/// <summary>
/// C_Encrypt and C_Decrypt of a token, with errors as they are: all that the mechanisms need of a session. No operation is left
/// behind that would stand in the way of the next one.
/// </summary>
internal interface ITokenCipher
{
    /// <summary>Encrypts a message at once.</summary>
    /// <param name="mechanism">The mechanism and its parameters.</param>
    /// <param name="key">The key.</param>
    /// <param name="plaintext">The message.</param>
    /// <param name="room">The most that the ciphertext may be long, in bytes.</param>
    /// <returns>The error, and the ciphertext when there is none.</returns>
    (CKR Code, byte[] Ciphertext) TryEncrypt(CK_MECHANISM mechanism, ulong key, byte[] plaintext, int room);

    /// <summary>Decrypts a message at once.</summary>
    /// <param name="mechanism">The mechanism and its parameters.</param>
    /// <param name="key">The key.</param>
    /// <param name="ciphertext">The message.</param>
    /// <param name="plaintext">Receives the plaintext; at least as long as the ciphertext.</param>
    /// <param name="length">The plaintext's length.</param>
    CKR TryDecrypt(CK_MECHANISM mechanism, ulong key, byte[] ciphertext, byte[] plaintext, out int length);
}
