using System.Security.Cryptography;
using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Signatures;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// Keys that sign by C_Sign. The token keeps the private key alone; the public one is read when the pair is made. Every signature is
/// verified with it before it leaves, also those of a proof: one made by a fault can reveal an RSA key (Boneh, DeMillo and Lipton 1997),
/// and one by another key, which a stale handle or an impostor on the token may lead to, is worthless.
/// </summary>
/// <param name="algorithm">The algorithm, which also verifies.</param>
/// <param name="type">The type of the keys.</param>
/// <param name="maker">The mechanism that makes them.</param>
/// <param name="makerName">Its name, for messages.</param>
internal abstract class HsmSigning(SignatureAlgorithm algorithm, CKK type, CKM maker, string makerName) : HsmMechanism
{
    private const string ProofLabel = "okms self-test";
    private const int ProofIdLength = 16;

    // A token (JWS) is longer than its payload, by a third and a header.
    private const int EncodedLength = 2;

    private readonly HsmKeyRules _rules = HsmKeyRules.Private(type, CKA.CKA_SIGN);

    /// <inheritdoc/>
    public sealed override string Spec => algorithm.Spec;

    /// <inheritdoc/>
    public override IReadOnlyList<KeyUsage> Usages => field ??= [.. algorithm.Usages.Where(u => u is KeyUsage.SignVerify or KeyUsage.Jws)];

    /// <inheritdoc/>
    public sealed override CKO Class => CKO.CKO_PRIVATE_KEY;

    /// <summary>The ways of signing that a token may know, the default first.</summary>
    public virtual IReadOnlyList<SignatureScheme> Schemes => algorithm.Schemes;

    /// <summary>Length of a signature in bytes, as the token makes it.</summary>
    protected abstract int SignatureLength { get; }

    /// <summary>Whether the token gets the message itself, so that it matters how long one it takes.</summary>
    protected virtual bool SignsMessages => false;

    /// <inheritdoc/>
    public sealed override IReadOnlyList<string> AlgorithmNames(KeyUsage usage) =>
        usage == KeyUsage.Jws ? [.. JwsAlgorithms(Schemes).Select(a => a.Name)] : [.. Schemes.Select(s => s.Name)];

    /// <inheritdoc/>
    public sealed override IReadOnlyList<string> Lacks(HsmProof proof) => [.. Schemes.Except(proof.Schemes).Select(s => s.Name)];

    /// <inheritdoc/>
    public sealed override HsmProof Prove(HsmToken hsm, HsmSession session, int largestMessage)
    {
        HsmException? failure = null;
        foreach (var way in Ways(session))
        {
            try
            {
                return Prove(session, way, largestMessage);
            }
            catch (HsmException e) when (!e.IsTokenLost)
            {
                failure ??= e;
            }
        }

        throw failure!;
    }

    /// <inheritdoc/>
    public sealed override byte[]? Make(HsmSession session, HsmProof proof, byte[] id, string label) =>
        session.GeneratePair(Pair(proof, id, label), key => PublicPart(session, key));

    /// <inheritdoc/>
    public sealed override string? Violation(HsmSession session, ulong key, byte[]? publicPart)
    {
        if (_rules.Violation(session, key) is { } violation)
        {
            return violation;
        }

        using var verifies = OpenPublic(1, publicPart!);
        return Signs(session, key, Schemes[0], verifies, length: 32) ? null : "what its private key signs, its public key does not verify";
    }

    /// <inheritdoc/>
    public sealed override IKeyVersion Open(HsmToken hsm, HsmProofs proofs, byte[] id, KeyUsage usage, KeyVersionName name, byte[]? publicPart) =>
        publicPart is not null
            ? Open(new HsmSigningVersion(hsm, proofs, this, id, name.Version, publicPart), usage, name.KeyId)
            : throw KmsError.KeyCorrupted.Exception();

    /// <summary>Signs, as the token does it.</summary>
    /// <param name="session">A session.</param>
    /// <param name="key">The private key.</param>
    /// <param name="scheme">The scheme.</param>
    /// <param name="signed">The digest, or the message where that is signed itself.</param>
    /// <exception cref="HsmException">The token refused.</exception>
    internal byte[] Sign(HsmSession session, ulong key, SignatureScheme scheme, byte[] signed) =>
        By(scheme).Sign(session, key, Prepared(scheme, signed), SignatureLength);

    /// <summary>Whether the token's signature is one of the key.</summary>
    /// <param name="verifies">The public key.</param>
    /// <param name="scheme">The scheme.</param>
    /// <param name="signed">As for <see cref="Sign"/>.</param>
    /// <param name="signature">What the token made.</param>
    internal static bool Verifies(IVerifies verifies, SignatureScheme scheme, byte[] signed, byte[] signature) =>
        verifies.Verify(new(scheme, signed, IsDigest: scheme.Hash is not null, SignatureEncoding.P1363, Context: default), signature);

    /// <summary>Opens a public key.</summary>
    /// <exception cref="CryptographicException">It is not one of the spec.</exception>
    internal IVerifies OpenPublic(int version, byte[] publicPart) =>
        algorithm.OpenPublic(KeyUsage.SignVerify, version, publicPart)!.Require<IVerifies>();

    /// <summary>A signature of the token in the encoding that was asked for.</summary>
    internal virtual byte[] Encoded(byte[] signature, SignatureEncoding encoding) => signature;

    /// <summary>How the token signs by a scheme.</summary>
    protected abstract TokenSigning By(SignatureScheme scheme);

    /// <summary>What the token gets for a digest or message.</summary>
    protected virtual byte[] Prepared(SignatureScheme scheme, byte[] signed) => signed;

    /// <summary>What to try the token with: tokens may differ in how a curve is named.</summary>
    protected virtual IEnumerable<HsmProof> Ways(HsmSession session) => [new()];

    /// <summary>Adds what a public key of the spec needs.</summary>
    protected abstract Pkcs11Template AddTo(Pkcs11Template publicKey, HsmProof way);

    /// <summary>Reads a public key (SubjectPublicKeyInfo, DER).</summary>
    /// <param name="session">A session.</param>
    /// <param name="key">The handle of the public key.</param>
    /// <exception cref="HsmException">An attribute is missing.</exception>
    /// <exception cref="CryptographicException">It is no key of the spec.</exception>
    protected abstract byte[] ReadPublic(HsmSession session, ulong key);

    /// <summary>An attribute that the token must show.</summary>
    protected static byte[] Required(HsmSession session, ulong key, CKA type) =>
        session.Attribute(key, type) is { Length: > 0 } value ? value : throw new HsmException($"The token does not show the {type} of a public key.");

    private IKeyVersion Open(HsmSigningVersion version, KeyUsage usage, string keyId) =>
        usage == KeyUsage.Jws ? new JwsVersion(JwsAlgorithms(version.Schemes), keyId, version) : version;

    private IReadOnlyList<JwsAlgorithm> JwsAlgorithms(IReadOnlyList<SignatureScheme> schemes) =>
        [.. algorithm.JwsAlgorithms.Where(a => schemes.Contains(a.Scheme))];

    private HsmPair Pair(HsmProof way, byte[] id, string label)
    {
        var publicKey = new Pkcs11Template()
            .Add(CKA.CKA_CLASS, (ulong)CKO.CKO_PUBLIC_KEY).Add(CKA.CKA_KEY_TYPE, (ulong)type).Add(CKA.CKA_ID, id).Add(CKA.CKA_LABEL, label)
            .Add(CKA.CKA_VERIFY, true);
        return new(maker, makerName, AddTo(publicKey, way), _rules.NewKey(id, label), IsSlow);
    }

    // The library refuses what is no point of the curve, or has another length.
    private byte[] PublicPart(HsmSession session, ulong key)
    {
        try
        {
            var publicPart = ReadPublic(session, key);
            OpenPublic(1, publicPart).Dispose();
            return publicPart;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new HsmWrongAnswerException($"the public key that it made is none of {Spec}");
        }
    }

    private HsmProof Prove(HsmSession session, HsmProof way, int largestMessage)
    {
        var (publicKey, key) = session.GenerateSessionPair(Pair(way, RandomNumberGenerator.GetBytes(ProofIdLength), ProofLabel));
        try
        {
            if (_rules.Violation(session, key, isOnToken: false) is { } violation)
            {
                throw new HsmException($"The token made a key other than the one requested: {violation}.");
            }

            using var verifies = OpenPublic(1, PublicPart(session, publicKey));
            var proven = way with { Schemes = ProvenSchemes(session, key, verifies) };
            return SignsMessages ? proven with { MaxMessage = LargestMessage.Find(EncodedLength * largestMessage, size => Signs(session, key, Schemes[0], verifies, size)) } : proven;
        }
        finally
        {
            session.DestroySessionKey(key);
            session.DestroySessionKey(publicKey);
        }
    }

    /// <summary>
    /// The schemes that work. The default ones must, also that of tokens (JWS): otherwise a request that names none would get another one
    /// with this HSM.
    /// </summary>
    private List<SignatureScheme> ProvenSchemes(HsmSession session, ulong key, IVerifies verifies)
    {
        List<SignatureScheme> proven = [];
        foreach (var scheme in Schemes)
        {
            try
            {
                if (Signs(session, key, scheme, verifies, length: 32))
                {
                    proven.Add(scheme);
                }
                else if (IsDefault(scheme))
                {
                    throw new HsmException($"The token's {scheme.Name} signature does not verify.");
                }
            }
            catch (HsmException e) when (!IsDefault(scheme) && !e.IsTokenLost)
            {
                // Keys go without this one.
            }
        }

        return proven;
    }

    private bool IsDefault(SignatureScheme scheme) =>
        scheme == Schemes[0] || (algorithm.JwsAlgorithms is [var token, ..] && scheme == token.Scheme);

    private bool Signs(HsmSession session, ulong key, SignatureScheme scheme, IVerifies verifies, int length)
    {
        var signed = RandomNumberGenerator.GetBytes(scheme.Hash is null ? length : scheme.DigestLength);
        return Verifies(verifies, scheme, signed, Sign(session, key, scheme, signed));
    }
}
