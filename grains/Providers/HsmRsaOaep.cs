using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Signatures;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// RSA keys that decrypt by CKM_RSA_PKCS_OAEP (PKCS#11 v2.40, 2.1.8). Encrypting takes the public key alone, in this process. Each hash is
/// offered if the token was seen to decrypt by it, and no other: what only the public key can do would be lost. As for signatures, the proof of
/// 2,048 bits is that of all sizes.
/// </summary>
/// <param name="bits">Length of the modulus.</param>
internal sealed class HsmRsaOaep(int bits) : HsmPairMechanism(new RsaAlgorithm(bits), CKA.CKA_DECRYPT, CKA.CKA_ENCRYPT, new RsaPairs(bits))
{
    private static readonly KeyUsage[] _usages = [KeyUsage.EncryptDecrypt];

    private static readonly Dictionary<string, (CKM Hash, CKG Mask)> _hashes = new(StringComparer.Ordinal)
    {
        ["RSAES_OAEP_SHA_256"] = (CKM.CKM_SHA256, CKG.CKG_MGF1_SHA256),
        ["RSAES_OAEP_SHA_1"] = (CKM.CKM_SHA_1, CKG.CKG_MGF1_SHA1),
    };

    private readonly RsaAlgorithm _algorithm = new(bits);

    /// <summary>RSA with 2,048 bits.</summary>
    public static HsmRsaOaep Of2048 { get; } = new(2048);

    /// <summary>RSA with 3,072 bits.</summary>
    public static HsmRsaOaep Of3072 { get; } = new(3072);

    /// <summary>RSA with 4,096 bits.</summary>
    public static HsmRsaOaep Of4096 { get; } = new(4096);

    /// <summary>Decryption by a scheme, as long as it is not known how the token answers what is no ciphertext: only as the standard says.</summary>
    internal static TokenOaep Untried(EncryptionScheme scheme) => new(scheme, _hashes[scheme.Name].Hash, _hashes[scheme.Name].Mask);

    /// <inheritdoc/>
    public override IReadOnlyList<KeyUsage> Usages => _usages;

    /// <inheritdoc/>
    public override HsmMechanism ProvenBy => Of2048;

    /// <inheritdoc/>
    public override IReadOnlyList<string> AlgorithmNames(KeyUsage usage, HsmProof? proof) =>
        [.. _algorithm.EncryptionSchemes.Where(scheme => proof is null or { Refusal: not null } || proof.Decrypts(scheme)).Select(scheme => scheme.Name)];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Lacks(HsmProof proof) =>
        [.. _algorithm.EncryptionSchemes.Where(scheme => !proof.Decrypts(scheme)).Select(scheme => scheme.Name)];

    /// <summary>Each algorithm by itself, where not all of them work: the default one may be missing.</summary>
    public override IEnumerable<string> Names(HsmProof proof) => Lacks(proof) is []
        ? [$"{Spec}:encrypt_decrypt"]
        : proof.Oaep.Select(one => $"{Spec}:encrypt_decrypt:{one.Scheme.Name}");

    /// <inheritdoc/>
    public override IKeyVersion OpenPublic(HsmProofs proofs, KeyUsage usage, int version, ReadOnlySpan<byte> publicPart) =>
        new HsmOaepPublicVersion(proofs, this, Encrypts(version, publicPart));

    /// <inheritdoc/>
    protected override IKeyVersion OpenPair(HsmVersionKey key, KeyUsage usage, KeyVersionName name, byte[] publicPart)
    {
        using var encrypts = Encrypts(name.Version, publicPart);
        return new HsmOaepVersion(key, name.Version, publicPart, bits / 8);
    }

    /// <inheritdoc/>
    protected override void RequirePublic(byte[] publicPart) => Encrypts(1, publicPart).Dispose();

    /// <inheritdoc/>
    protected override string? Misfit(HsmSession session, HsmProof proof, ulong key, byte[] publicPart)
    {
        using var encrypts = Encrypts(1, publicPart);
        return proof.Oaep[0].Fits(session, key, encrypts) ? null : "what its public key encrypts, its private key does not decrypt";
    }

    /// <inheritdoc/>
    protected override HsmProof ProveUse(HsmSession session, ulong key, byte[] publicPart, HsmProof way, int largestMessage)
    {
        using var encrypts = Encrypts(1, publicPart);
        List<TokenOaep> proven = [];
        HsmException? failure = null;
        foreach (var scheme in _algorithm.EncryptionSchemes)
        {
            try
            {
                proven.Add(Untried(scheme).Prove(session, key, encrypts));
            }
            catch (HsmException e) when (!e.IsTokenLost)
            {
                failure ??= e;
            }
        }

        return proven is [] ? throw failure! : way with { Oaep = proven };
    }

    private IEncryptsByPublicKey Encrypts(int version, ReadOnlySpan<byte> publicPart) =>
        _algorithm.OpenPublic(KeyUsage.EncryptDecrypt, version, publicPart)!.Require<IEncryptsByPublicKey>();
}
