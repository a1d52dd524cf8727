using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Net.Pkcs11Interop.Common;
using Net.Pkcs11Interop.LowLevelAPI80;
using Net.Pkcs11Interop.LowLevelAPI80.MechanismParams;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Signatures;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Tests.Unit.Hsms;

/// <summary>RSA decryption as tokens other than SoftHSM do it: with SHA-256, and with other answers to what is no ciphertext.</summary>
public sealed class TokenOaepTests : IDisposable
{
    private const ulong Key = 7;

    private static readonly IReadOnlyList<EncryptionScheme> _schemes = new RsaAlgorithm(2048).EncryptionSchemes;

    private readonly RSA _rsa = RSA.Create(2048);

    private IEncryptsByPublicKey Public =>
        new RsaAlgorithm(2048).OpenPublic(KeyUsage.EncryptDecrypt, 1, _rsa.ExportSubjectPublicKeyInfo())!.Require<IEncryptsByPublicKey>();

    public void Dispose() => _rsa.Dispose();

    [Theory]
    [InlineData("RSAES_OAEP_SHA_256", CKR.CKR_ENCRYPTED_DATA_INVALID)]
    [InlineData("RSAES_OAEP_SHA_256", CKR.CKR_GENERAL_ERROR)]
    [InlineData("RSAES_OAEP_SHA_1", CKR.CKR_FUNCTION_FAILED)]
    [InlineData("RSAES_OAEP_SHA_1", CKR.CKR_DEVICE_ERROR)]
    public void Token_ThatDecrypts_IsFound_AndWhatIsNoCiphertextIsTold(string name, CKR forged)
    {
        using var encrypts = Public;
        var token = new RsaToken(_rsa) { Forged = forged };
        var oaep = Prove(token, name, encrypts);
        Assert.Equal(name, oaep.Scheme.Name);
        var ciphertext = encrypts.Encrypt(oaep.Scheme, "a secret"u8);
        Assert.Equal("a secret"u8.ToArray(), oaep.Decrypt(token, Key, ciphertext, IsNotAsked));
        Assert.True(oaep.Fits(token, Key, encrypts));
        using var another = RSA.Create(2048);
        Assert.False(oaep.Fits(new RsaToken(another) { Forged = forged }, Key, encrypts));
        for (var i = 1; i < ciphertext.Length; i++)
        {
            byte[] changed = [.. ciphertext];
            changed[i] ^= 1;
            Assert.Null(oaep.Decrypt(token, Key, changed, () => true));
        }

        // The other hash, and another key.
        Assert.Null(oaep.Decrypt(token, Key, encrypts.Encrypt(_schemes.Single(scheme => scheme != oaep.Scheme), "a secret"u8), () => true));
    }

    /// <summary>Soon after the start: a ciphertext of a key that exists is decrypted, and of what is none only the standard's answer is believed.</summary>
    [Fact]
    public void UntriedToken_Decrypts_AndIsBelievedByTheStandardAlone()
    {
        using var encrypts = Public;
        var untried = new TokenOaep(_schemes[0], CKM.CKM_SHA256, CKG.CKG_MGF1_SHA256);
        var ciphertext = encrypts.Encrypt(_schemes[0], "a secret"u8);
        Assert.Equal("a secret"u8.ToArray(), untried.Decrypt(new RsaToken(_rsa), Key, ciphertext, IsNotAsked));
        ciphertext[^1] ^= 1;
        Assert.Null(untried.Decrypt(new RsaToken(_rsa), Key, ciphertext, () => true));
        Assert.Throws<Grains.Hsm.Pkcs11Exception>(() => untried.Decrypt(new RsaToken(_rsa) { Forged = CKR.CKR_GENERAL_ERROR }, Key, ciphertext, () => true));
    }

    [Fact]
    public void ErrorOfABrokenToken_IsNoForgery()
    {
        using var encrypts = Public;
        var token = new RsaToken(_rsa) { Forged = CKR.CKR_GENERAL_ERROR };
        var oaep = Prove(token, "RSAES_OAEP_SHA_256", encrypts);
        var ciphertext = encrypts.Encrypt(oaep.Scheme, "a secret"u8);
        token.Broken = CKR.CKR_GENERAL_ERROR;
        Assert.Throws<HsmLostException>(() => oaep.Decrypt(token, Key, ciphertext, () => false));
        foreach (var error in (CKR[])[CKR.CKR_DEVICE_REMOVED, CKR.CKR_SESSION_HANDLE_INVALID, CKR.CKR_KEY_HANDLE_INVALID, CKR.CKR_FUNCTION_FAILED])
        {
            token.Broken = error;
            Assert.Equal(error, Assert.Throws<Grains.Hsm.Pkcs11Exception>(() => oaep.Decrypt(token, Key, ciphertext, () => true)).Code);
        }
    }

    [Fact]
    public void TokenWithOneHash_OrThatDecryptsAnything_IsTold()
    {
        using var encrypts = Public;
        var one = new RsaToken(_rsa) { Lacks = CKM.CKM_SHA256 };
        Assert.Equal(
            "C_DecryptInit (CKM_RSA_PKCS_OAEP, CKM_SHA256) returned CKR_ARGUMENTS_BAD",
            Assert.Throws<Grains.Hsm.Pkcs11Exception>(() => Prove(one, "RSAES_OAEP_SHA_256", encrypts)).Message);
        Assert.NotNull(Prove(one, "RSAES_OAEP_SHA_1", encrypts));
        Assert.Throws<HsmException>(() => Prove(new RsaToken(_rsa) { Forged = CKR.CKR_OK }, "RSAES_OAEP_SHA_1", encrypts));
        using var another = RSA.Create(2048);
        Assert.ThrowsAny<HsmException>(() => Prove(new RsaToken(another), "RSAES_OAEP_SHA_1", encrypts));
    }

    private static bool IsNotAsked() => throw new InvalidOperationException("It decrypted.");

    private static TokenOaep Prove(ITokenCipher token, string name, IEncryptsByPublicKey encrypts)
    {
        var (hash, mask) = name == "RSAES_OAEP_SHA_1" ? (CKM.CKM_SHA_1, CKG.CKG_MGF1_SHA1) : (CKM.CKM_SHA256, CKG.CKG_MGF1_SHA256);
        return new TokenOaep(_schemes.Single(scheme => scheme.Name == name), hash, mask).Prove(token, Key, encrypts);
    }

    /// <summary>A token whose RSA is the platform's.</summary>
    private sealed class RsaToken(RSA rsa) : ITokenCipher
    {
        public CKR Forged { get; init; } = CKR.CKR_ENCRYPTED_DATA_INVALID;

        public CKM? Lacks { get; init; }

        public CKR? Broken { get; set; }

        public (TokenAnswer Answer, byte[] Ciphertext) TryEncrypt(CK_MECHANISM mechanism, ulong key, byte[] plaintext, int room) =>
            throw new NotSupportedException();

        public TokenAnswer TryDecrypt(CK_MECHANISM mechanism, ulong key, byte[] ciphertext, byte[] plaintext, out int length)
        {
            length = 0;
            Assert.Equal((ulong)CKM.CKM_RSA_PKCS_OAEP, mechanism.Mechanism);
            var parameters = Marshal.PtrToStructure<CK_RSA_PKCS_OAEP_PARAMS>(mechanism.Parameter);
            Assert.Equal(((ulong)CKZ.CKZ_DATA_SPECIFIED, IntPtr.Zero, 0ul), (parameters.Source, parameters.SourceData, parameters.SourceDataLen));
            if (Broken is { } broken) return new("C_Decrypt", broken);
            if (Lacks == (CKM)parameters.HashAlg) return new("C_DecryptInit", CKR.CKR_ARGUMENTS_BAD);

            var padding = ((CKM)parameters.HashAlg, (CKG)parameters.Mgf) switch
            {
                (CKM.CKM_SHA256, CKG.CKG_MGF1_SHA256) => RSAEncryptionPadding.OaepSHA256,
                (CKM.CKM_SHA_1, CKG.CKG_MGF1_SHA1) => RSAEncryptionPadding.OaepSHA1,
                _ => throw new InvalidOperationException("The mask is of another hash."),
            };
            try
            {
                return rsa.TryDecrypt(ciphertext, plaintext, padding, out length)
                    ? new("C_Decrypt", CKR.CKR_OK)
                    : new("C_Decrypt", CKR.CKR_BUFFER_TOO_SMALL);
            }
            catch (CryptographicException)
            {
                return new("C_Decrypt", Forged);
            }
        }
    }
}
