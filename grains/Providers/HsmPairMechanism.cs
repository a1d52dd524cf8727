using System.Security.Cryptography;
using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// Keys of which the token keeps the private part alone; the public one is read when the pair is made, and kept in the row. A pair is taken
/// only if its two parts were seen to fit.
/// </summary>
/// <param name="algorithm">The algorithm, with which the public part is used in software.</param>
/// <param name="right">What the private key is for.</param>
/// <param name="publicRight">What the public key is for; null for nothing that a token does.</param>
/// <param name="kinds">How tokens make the pairs: the way of the standard, and others that were seen.</param>
internal abstract class HsmPairMechanism(KeyAlgorithm algorithm, CKA right, CKA? publicRight, params HsmPairs[] kinds) : HsmMechanism
{
    private const string ProofLabel = "okms self-test";
    private const int ProofIdLength = 16;

    private readonly Dictionary<CKK, HsmKeyRules> _rules = kinds.ToDictionary(kind => kind.Type, kind => HsmKeyRules.Private(kind.Type, right));

    /// <inheritdoc/>
    public sealed override string Spec => algorithm.Spec;

    /// <summary>The algorithm, with which the public part is used in software.</summary>
    protected KeyAlgorithm Algorithm => algorithm;

    /// <inheritdoc/>
    public sealed override bool IsSlow => kinds[0].IsSlow;

    /// <inheritdoc/>
    public sealed override CKO Class => CKO.CKO_PRIVATE_KEY;

    /// <inheritdoc/>
    public sealed override string? WhyNot(HsmProof proof) => proof.Refusal ?? KindOf(proof).WhyNot(proof);

    /// <inheritdoc/>
    public sealed override HsmProof Prove(HsmToken hsm, HsmSession session, int largestMessage)
    {
        HsmException? failure = null;
        foreach (var way in kinds.SelectMany(kind => kind.Ways(session)))
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
        session.GeneratePair(Pair(proof, id, label), key => PublicPart(session, proof, key));

    /// <inheritdoc/>
    public sealed override string? Violation(HsmSession session, HsmProof proof, ulong key, byte[]? publicPart) =>
        _rules[proof.Type].Violation(session, key) ?? Misfit(session, proof, key, publicPart!);

    /// <inheritdoc/>
    public sealed override IKeyVersion Open(HsmToken hsm, HsmProofs proofs, byte[] id, KeyUsage usage, KeyVersionName name, byte[]? publicPart) =>
        publicPart is not null ? OpenPair(new(hsm, proofs, this, id), usage, name, publicPart) : throw KmsError.KeyCorrupted.Exception();

    /// <summary>Opens a version.</summary>
    protected abstract IKeyVersion OpenPair(HsmVersionKey key, KeyUsage usage, KeyVersionName name, byte[] publicPart);

    /// <summary>Finds out what a pair can be used for.</summary>
    /// <param name="session">A session.</param>
    /// <param name="key">The private key.</param>
    /// <param name="publicPart">The public key.</param>
    /// <param name="way">How it was made.</param>
    /// <param name="largestMessage">The largest message wanted, in bytes.</param>
    /// <exception cref="HsmException">Not for what it was made.</exception>
    protected abstract HsmProof ProveUse(HsmSession session, ulong key, byte[] publicPart, HsmProof way, int largestMessage);

    /// <summary>Why the two parts of a pair do not fit; null if they do.</summary>
    protected abstract string? Misfit(HsmSession session, HsmProof proof, ulong key, byte[] publicPart);

    /// <summary>Requires that a public key is one of the spec.</summary>
    /// <exception cref="CryptographicException">It is none.</exception>
    protected abstract void RequirePublic(byte[] publicPart);

    private HsmPairs KindOf(HsmProof proof) => Array.Find(kinds, kind => kind.Type == proof.Type) ?? kinds[0];

    private HsmPair Pair(HsmProof way, byte[] id, string label) => KindOf(way).New(_rules[way.Type], publicRight, way, id, label);

    // The library refuses what is no point of the curve, or has another length.
    private byte[] PublicPart(HsmSession session, HsmProof way, ulong key)
    {
        try
        {
            var publicPart = KindOf(way).ReadPublic(session, key);
            RequirePublic(publicPart);
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
            return _rules[way.Type].Violation(session, key, isOnToken: false) is { } violation
                ? throw new HsmException($"The token made a key other than the one requested: {violation}.")
                : ProveUse(session, key, PublicPart(session, way, publicKey), way, largestMessage);
        }
        finally
        {
            session.DestroySessionKey(key);
            session.DestroySessionKey(publicKey);
        }
    }
}
