using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Net.Pkcs11Interop.Common;
using Net.Pkcs11Interop.LowLevelAPI80;
using Net.Pkcs11Interop.LowLevelAPI80.MechanismParams;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Grains.Hsm;

/// <summary>
/// RSAES-OAEP (RFC 8017, 7.1) by CKM_RSA_PKCS_OAEP and C_Decrypt, with one hash, which MGF1 uses too, and without a label. Whether the token's
/// time tells what is wrong with a ciphertext (Manger's attack) is its affair: what comes of it here is one answer.
/// </summary>
internal sealed class TokenOaep
{
    // Pinned: the mechanism points to it.
    private readonly byte[] _parameters;
    private readonly string _name;
    private readonly CKR _forged;

    /// <summary>By a scheme, untried: only what the standard says is no ciphertext is taken for none.</summary>
    /// <param name="scheme">The scheme.</param>
    /// <param name="hash">Its hash.</param>
    /// <param name="mask">MGF1 with the same hash.</param>
    public TokenOaep(EncryptionScheme scheme, CKM hash, CKG mask)
    {
        _parameters = GC.AllocateArray<byte>(Marshal.SizeOf<CK_RSA_PKCS_OAEP_PARAMS>(), pinned: true);
        MemoryMarshal.Write(_parameters, new CK_RSA_PKCS_OAEP_PARAMS { HashAlg = (ulong)hash, Mgf = (ulong)mask, Source = (ulong)CKZ.CKZ_DATA_SPECIFIED });
        (Scheme, _name) = (scheme, $"CKM_RSA_PKCS_OAEP, {hash}");
    }

    private TokenOaep(TokenOaep tried, CKR forged) => (Scheme, _parameters, _name, _forged) = (tried.Scheme, tried._parameters, tried._name, forged);

    /// <summary>The scheme.</summary>
    public EncryptionScheme Scheme { get; }

    private CK_MECHANISM Mechanism => new()
    {
        Mechanism = (ulong)CKM.CKM_RSA_PKCS_OAEP,
        Parameter = Marshal.UnsafeAddrOfPinnedArrayElement(_parameters, 0),
        ParameterLen = (ulong)_parameters.Length,
    };

    /// <summary>Finds out whether the token decrypts what software encrypts, and how it answers what is no ciphertext.</summary>
    /// <param name="session">A session.</param>
    /// <param name="key">A private key that may decrypt.</param>
    /// <param name="encrypts">The public key.</param>
    /// <exception cref="HsmException">It does not, or it is away.</exception>
    public TokenOaep Prove(ITokenCipher session, ulong key, IEncryptsByPublicKey encrypts)
    {
        var plaintext = RandomNumberGenerator.GetBytes(32);
        var ciphertext = encrypts.Encrypt(Scheme, plaintext);
        if (!IsFit(session, key, ciphertext, plaintext))
        {
            throw new HsmException($"The token's {Scheme.Name} decrypts to something else.");
        }

        // Smaller than the modulus still, as every ciphertext that gets to the token.
        ciphertext[^1] ^= 1;
        ciphertext[0] = 0;
        var answer = TryDecrypt(session, key, ciphertext, new byte[ciphertext.Length], out _);
        return answer.IsOk ? throw new HsmException($"The token's {Scheme.Name} decrypts anything.")
            : new Pkcs11Exception("", answer.Code).IsSessionLost ? throw answer.Failure(_name)
            : new(this, answer.Code);
    }

    /// <summary>Whether a private key decrypts what was encrypted with a public one.</summary>
    /// <param name="session">A session.</param>
    /// <param name="key">The private key.</param>
    /// <param name="encrypts">The public key.</param>
    /// <exception cref="HsmException">The token is away.</exception>
    public bool Fits(ITokenCipher session, ulong key, IEncryptsByPublicKey encrypts)
    {
        var plaintext = RandomNumberGenerator.GetBytes(32);
        var ciphertext = encrypts.Encrypt(Scheme, plaintext);
        return Decrypt(session, key, ciphertext, () => true) is { } found && found.AsSpan().SequenceEqual(plaintext);
    }

    /// <summary>Decrypts.</summary>
    /// <param name="session">A session.</param>
    /// <param name="key">The private key.</param>
    /// <param name="ciphertext">As long as the modulus, and less than it.</param>
    /// <param name="isTokenWell">Checks that the token works: some answer what is no ciphertext with the error of a broken device.</param>
    /// <returns>The plaintext; null for what is no ciphertext of this key and scheme.</returns>
    /// <exception cref="HsmException">The token refused, or is broken.</exception>
    public byte[]? Decrypt(ITokenCipher session, ulong key, byte[] ciphertext, Func<bool> isTokenWell)
    {
        var room = new byte[ciphertext.Length];
        try
        {
            var answer = TryDecrypt(session, key, ciphertext, room, out var length);
            if (answer.IsOk)
            {
                return room[..length];
            }

            var failure = answer.Failure(_name);
            return !IsForgery(answer.Code, failure) ? throw failure
                : isTokenWell() ? null
                : throw new HsmLostException(failure.Message, failure);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(room);
        }
    }

    private bool IsForgery(CKR code, Pkcs11Exception failure) =>
        code is CKR.CKR_ENCRYPTED_DATA_INVALID or CKR.CKR_ENCRYPTED_DATA_LEN_RANGE || (code == _forged && !failure.IsSessionLost);

    private bool IsFit(ITokenCipher session, ulong key, byte[] ciphertext, byte[] plaintext)
    {
        var room = new byte[ciphertext.Length];
        var answer = TryDecrypt(session, key, ciphertext, room, out var length);
        return answer.IsOk ? room.AsSpan(0, length).SequenceEqual(plaintext) : throw answer.Failure(_name);
    }

    private TokenAnswer TryDecrypt(ITokenCipher session, ulong key, byte[] ciphertext, byte[] plaintext, out int length) =>
        session.TryDecrypt(Mechanism, key, ciphertext, plaintext, out length);
}
