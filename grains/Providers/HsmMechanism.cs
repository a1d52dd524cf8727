using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Macs;
using OrleansKms.Grains.Cryptography.Signatures;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// How a token holds keys of one spec for some of its usages: a row of the mechanism table. A new mechanism is one new file and one row.
/// </summary>
internal abstract class HsmMechanism
{
    // In the order in which a token is tried: what takes longest is last.
    private static readonly HsmMechanism[] _all =
    [
        new HsmAesGcm(),
        new HsmHmac(new Hmac224Algorithm(), CKM.CKM_SHA224_HMAC),
        new HsmHmac(new Hmac256Algorithm(), CKM.CKM_SHA256_HMAC),
        new HsmHmac(new Hmac384Algorithm(), CKM.CKM_SHA384_HMAC),
        new HsmHmac(new Hmac512Algorithm(), CKM.CKM_SHA512_HMAC),
        new HsmEcdsa(new EcdsaP256Algorithm()),
        new HsmEcdsa(new EcdsaP384Algorithm()),
        new HsmEcdsa(new EcdsaP521Algorithm()),
        new HsmEd25519(),
        new HsmEcdh(new EcdsaP256Algorithm()),
        new HsmEcdh(new EcdsaP384Algorithm()),
        new HsmEcdh(new EcdsaP521Algorithm()),
        new HsmX25519(),
        HsmRsa.Of2048,
        HsmRsa.Of3072,
        HsmRsa.Of4096,
        HsmRsaOaep.Of2048,
        HsmRsaOaep.Of3072,
        HsmRsaOaep.Of4096,
    ];

    /// <summary>Every mechanism.</summary>
    public static IReadOnlyList<HsmMechanism> All => _all;

    /// <summary>The spec.</summary>
    public abstract string Spec { get; }

    /// <summary>What keys in the HSM may be used for.</summary>
    public abstract IReadOnlyList<KeyUsage> Usages { get; }

    /// <summary>The feature level from which such keys can be created: programs that know only lower ones cannot open them.</summary>
    public virtual int SinceLevel => 6;

    /// <summary>Whether making a key takes so long that other calls of a key must not wait for it.</summary>
    public virtual bool IsSlow => false;

    /// <summary>The mechanism whose proof is also that of this one.</summary>
    public virtual HsmMechanism ProvenBy => this;

    /// <summary>The class of the object that is the key.</summary>
    public virtual CKO Class => CKO.CKO_SECRET_KEY;

    /// <summary>Finds the mechanism of an algorithm and usage; null when no token can hold such keys.</summary>
    /// <param name="algorithm">The algorithm.</param>
    /// <param name="usage">The key's usage.</param>
    public static HsmMechanism? Find(KeyAlgorithm algorithm, KeyUsage usage) =>
        Array.Find(_all, m => m.Spec == algorithm.Spec && m.Usages.Contains(usage));

    /// <summary>What <c>hsm_specs</c> tells of a token with this proof: the spec and, unless keys are for it by default, the usage.</summary>
    public virtual IEnumerable<string> Names(HsmProof proof) => [Spec];

    /// <summary>The algorithms that an operation can name, the default first: some that software has no token offers.</summary>
    /// <param name="usage">The key's usage.</param>
    /// <param name="proof">What the token can do; null as long as that is not known.</param>
    public virtual IReadOnlyList<string> AlgorithmNames(KeyUsage usage, HsmProof? proof) => [];

    /// <summary>Finds out whether this token can hold such keys, by using one that goes when the session does.</summary>
    /// <param name="hsm">The token.</param>
    /// <param name="session">A session.</param>
    /// <param name="largestMessage">The largest message wanted, in bytes.</param>
    /// <returns>What it can do.</returns>
    /// <exception cref="HsmException">It cannot, or it is away; the message says what it answered.</exception>
    public abstract HsmProof Prove(HsmToken hsm, HsmSession session, int largestMessage);

    /// <summary>Why a token with this proof cannot hold such keys; null when it can.</summary>
    public virtual string? WhyNot(HsmProof proof) => proof.Refusal;

    /// <summary>The algorithms that software has, or tokens may have, and that a token with this proof lacks.</summary>
    public virtual IReadOnlyList<string> Lacks(HsmProof proof) => [];

    /// <summary>Makes a key on the token.</summary>
    /// <param name="session">A session.</param>
    /// <param name="proof">What the token can do.</param>
    /// <param name="id">The key's CKA_ID.</param>
    /// <param name="label">The key's CKA_LABEL.</param>
    /// <returns>Its public part (SubjectPublicKeyInfo, DER), which the token need not keep; null for a spec that has none.</returns>
    /// <exception cref="HsmException">The token refused.</exception>
    public abstract byte[]? Make(HsmSession session, HsmProof proof, byte[] id, string label);

    /// <summary>Finds the first thing wrong with a key that was just made.</summary>
    /// <param name="session">A session.</param>
    /// <param name="proof">What the token can do.</param>
    /// <param name="key">The key's handle.</param>
    /// <param name="publicPart">Its public part, where it has one.</param>
    /// <returns>The attribute, in the operator's terms, and what it should be; null for a good key.</returns>
    public abstract string? Violation(HsmSession session, HsmProof proof, ulong key, byte[]? publicPart);

    /// <summary>Opens a version whose key is on the token. Makes no HSM call.</summary>
    /// <param name="hsm">The token.</param>
    /// <param name="proofs">What the token can do.</param>
    /// <param name="id">The key's CKA_ID.</param>
    /// <param name="usage">The key's usage.</param>
    /// <param name="name">The version's name.</param>
    /// <param name="publicPart">Its public part; null for a spec that has none.</param>
    public abstract IKeyVersion Open(HsmToken hsm, HsmProofs proofs, byte[] id, KeyUsage usage, KeyVersionName name, byte[]? publicPart);

    /// <summary>Opens the public part of a version, where not everything that software does with it may be done.</summary>
    /// <param name="proofs">What the token can do.</param>
    /// <param name="usage">The key's usage.</param>
    /// <param name="version">The key version; 1 or more.</param>
    /// <param name="publicPart">The public part.</param>
    /// <returns>Null where it is opened as that of any key.</returns>
    /// <exception cref="System.Security.Cryptography.CryptographicException">It is none of the spec.</exception>
    public virtual IKeyVersion? OpenPublic(HsmProofs proofs, KeyUsage usage, int version, ReadOnlySpan<byte> publicPart) => null;
}
