using System.Security.Cryptography;
using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Signatures;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>RSA keys in the HSM that decrypt: what software encrypts with their public keys, and only by what the token was seen to do.</summary>
[Collection(SharedToken.Collection)]
public sealed class HsmDecryptionTests(SharedToken shared, HsmContractTests.MadeKeys made) : IClassFixture<SharedToken>, IClassFixture<HsmContractTests.MadeKeys>
{
    private const string Sha1 = "RSAES_OAEP_SHA_1";

    private static readonly KeyAlgorithm _rsa = new RsaAlgorithm(2048);
    private static readonly EncryptionScheme _sha1 = _rsa.EncryptionSchemes.Single(scheme => scheme.Name == Sha1);
    private static readonly EncryptionScheme _sha256 = _rsa.EncryptionSchemes[0];

    [Fact]
    public async Task Plaintexts_OfEveryLength_AreThoseThatThePublicKeyEncrypted()
    {
        var key = await made.Get(shared, "RSA_2048", KeyUsage.EncryptDecrypt);
        using var decrypts = key.Open(shared).Require<IDecryptsByPrivateKey>();
        using var theirs = RSA.Create();
        theirs.ImportSubjectPublicKeyInfo(key.PublicPart, out _);
        Assert.Equal(256, decrypts.CiphertextLength);
        foreach (var length in (int[])[0, 1, 17, 128, 213, 214])
        {
            var plaintext = RandomNumberGenerator.GetBytes(length);
            Assert.Equal(plaintext, await decrypts.Decrypt(_sha1, theirs.Encrypt(plaintext, RSAEncryptionPadding.OaepSHA1)));
        }

        // The leading zeros of a ciphertext are part of it.
        byte[] ciphertext;
        do
        {
            ciphertext = theirs.Encrypt([1], RSAEncryptionPadding.OaepSHA1);
        }
        while (ciphertext[0] != 0);
        Assert.Equal([1], await decrypts.Decrypt(_sha1, ciphertext));
    }

    [Fact]
    public async Task WhatIsNoCiphertext_IsOneAnswer_AndTheTokenStaysUp()
    {
        var key = await made.Get(shared, "RSA_2048", KeyUsage.EncryptDecrypt);
        using var decrypts = key.Open(shared).Require<IDecryptsByPrivateKey>();
        using var theirs = RSA.Create();
        theirs.ImportSubjectPublicKeyInfo(key.PublicPart, out _);
        var modulus = theirs.ExportParameters(includePrivateParameters: false).Modulus!;
        var ciphertext = theirs.Encrypt([1, 2, 3], RSAEncryptionPadding.OaepSHA1);
        using var another = RSA.Create(2048);
        byte[] plusModulus = [.. Sum(ciphertext, modulus)];
        List<byte[]> hostile =
        [
            [], [0], ciphertext[..^1], [.. ciphertext, 0], [0, .. ciphertext], new byte[256], [.. new byte[255], 1], modulus, Minus1(modulus), plusModulus,
            [.. Enumerable.Repeat((byte)0xff, 256)], theirs.Encrypt([1, 2, 3], RSAEncryptionPadding.OaepSHA256), theirs.Encrypt([1, 2, 3], RSAEncryptionPadding.Pkcs1),
            Minus1(another.Encrypt([1, 2, 3], RSAEncryptionPadding.OaepSHA1)),
        ];
        for (var i = 0; i < ciphertext.Length; i += 5)
        {
            byte[] changed = [.. ciphertext];
            changed[i] ^= 0x10;
            hostile.Add(changed);
        }

        foreach (var bytes in hostile) Assert.Null(await decrypts.Decrypt(_sha1, bytes));
        Assert.Equal([1, 2, 3], await decrypts.Decrypt(_sha1, ciphertext));
        Assert.True(shared.Token.IsHealthy);
    }

    [Fact]
    public async Task AlgorithmThatTheTokenLacks_IsRefusedByName_BeforeAnythingIsEncrypted()
    {
        var key = await made.Get(shared, "RSA_2048", KeyUsage.EncryptDecrypt);
        var keys = shared.Keys(key.Service);
        Assert.Equal([Sha1], keys.AlgorithmNames(_rsa, KeyUsage.EncryptDecrypt));
        using var decrypts = key.Open(shared).Require<IDecryptsByPrivateKey>();
        using var encrypts = keys.OpenPublic(_rsa, KeyUsage.EncryptDecrypt, 1, key.PublicPart)!.Require<IEncryptsByPublicKey>();
        encrypts.RequireOffered(_sha1);
        decrypts.RequireOffered(_sha1);
        foreach (var refusal in (KmsException[])
        [
            Assert.Throws<KmsException>(() => encrypts.RequireOffered(_sha256)), Assert.Throws<KmsException>(() => decrypts.RequireOffered(_sha256)),
            await Assert.ThrowsAsync<KmsException>(async () => await decrypts.Decrypt(_sha256, new byte[256])),
        ])
        {
            Assert.Equal(
                ("unsupported_algorithm", "The HSM does not decrypt by RSAES_OAEP_SHA_256. Name what it does: RSAES_OAEP_SHA_1."), (refusal.Code, refusal.Message));
        }
    }

    [Fact]
    public async Task AsLongAsItIsNotKnownWhatTheTokenDecrypts_NothingIsEncrypted()
    {
        var key = await made.Get(shared, "RSA_2048", KeyUsage.EncryptDecrypt);
        using var proofs = new HsmProofs(shared.Token, SharedToken.Options, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<HsmProofs>.Instance);
        var keys = new HsmKeyProvider(
            shared.Token, proofs, 1, key.Service, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<HsmKeyProvider>.Instance);
        using var encrypts = keys.OpenPublic(_rsa, KeyUsage.EncryptDecrypt, 1, key.PublicPart)!.Require<IEncryptsByPublicKey>();
        Assert.Equal("hsm_unavailable", Assert.Throws<KmsException>(() => encrypts.RequireOffered(_sha1)).Code);
        using (SharedToken.Switch("decrypts-nothing"))
        {
            await proofs.ProveAll(default);
        }

        Assert.Equal(
            "The HSM does not support keys of this spec with this usage: C_DecryptInit (CKM_RSA_PKCS_OAEP, CKM_SHA256) returned CKR_MECHANISM_INVALID.",
            await keys.WhyUnsupported(_rsa, KeyUsage.EncryptDecrypt));
        Assert.Null(await keys.WhyUnsupported(_rsa, KeyUsage.SignVerify));
        Assert.Equal("hsm_unavailable", Assert.Throws<KmsException>(() => encrypts.RequireOffered(_sha1)).Code);
        using var decrypts = keys.Open(_rsa, KeyUsage.EncryptDecrypt, key.Name, key.Id, key.PublicPart).Require<IDecryptsByPrivateKey>();
        Assert.False(decrypts.IsAvailable);
        Assert.Equal("hsm_unavailable", (await Assert.ThrowsAsync<KmsException>(async () => await decrypts.Decrypt(_sha1, new byte[256]))).Code);
    }

    [Theory]
    [InlineData("mixes-pairs-up")]
    [InlineData("makes-extractable-keys")]
    public async Task PairThatIsNotAsItWasAskedFor_IsDestroyed(string misbehaviour)
    {
        var files = SharedToken.KeyFiles.Count;
        var keys = shared.Keys("faults");
        using (SharedToken.Switch(misbehaviour))
        {
            var refusal = await Assert.ThrowsAsync<KmsException>(async () => await keys.Generate(_rsa, KeyUsage.EncryptDecrypt, new("fault", Incarnation.New(), 1)));
            Assert.Equal("hsm_unavailable", refusal.Code);
        }

        Assert.Equal(files, SharedToken.KeyFiles.Count);
    }

    /// <summary>openCryptoki 3.8 knows no CKA_COPYABLE, and sets CKA_SIGN_RECOVER unless it is told not to.</summary>
    [Fact]
    public async Task TokenThatKnowsNoCopyable_AndGrantsWhatIsNotDenied_MakesPairsWithoutOtherRights()
    {
        var keys = shared.Keys("no copyable");
        using var knowsNone = SharedToken.Switch("knows-no-copyable");
        foreach (var usage in (KeyUsage[])[KeyUsage.SignVerify, KeyUsage.EncryptDecrypt])
        {
            using var pair = await keys.Generate(_rsa, usage, new("pair", Incarnation.New(), 1));
            var rights = await shared.Token.Run(
                session =>
                {
                    var key = Assert.Single(session.FindAll(pair.Kept.Span));
                    CKA[] all = [CKA.CKA_SIGN, CKA.CKA_SIGN_RECOVER, CKA.CKA_DECRYPT, CKA.CKA_UNWRAP, CKA.CKA_DERIVE];
                    return all.Where(right => session.Attribute(key, right) is [not 0]).ToArray();
                },
                default);
            Assert.Equal([usage == KeyUsage.SignVerify ? CKA.CKA_SIGN : CKA.CKA_DECRYPT], rights);
        }
    }

    private static byte[] Minus1(byte[] number)
    {
        var value = new System.Numerics.BigInteger(number, isUnsigned: true, isBigEndian: true) - 1;
        return Padded(value);
    }

    private static byte[] Sum(byte[] one, byte[] two) => Padded(
        new System.Numerics.BigInteger(one, isUnsigned: true, isBigEndian: true) + new System.Numerics.BigInteger(two, isUnsigned: true, isBigEndian: true));

    private static byte[] Padded(System.Numerics.BigInteger value)
    {
        var bytes = value.ToByteArray(isUnsigned: true, isBigEndian: true);
        return [.. new byte[Math.Max(0, 256 - bytes.Length)], .. bytes];
    }
}
