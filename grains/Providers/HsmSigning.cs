using System.Security.Cryptography;
using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Signatures;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// Keys that sign by C_Sign. Every signature is verified with the public key before it leaves, also those of a proof: one made by a fault can
/// reveal an RSA key (Boneh, DeMillo and Lipton 1997), and one by another key, which a stale handle or an impostor on the token may lead to,
/// is worthless.
/// </summary>
/// <param name="algorithm">The algorithm, which also verifies.</param>
/// <param name="kind">How tokens make the pairs.</param>
internal abstract class HsmSigning(SignatureAlgorithm algorithm, HsmPairs kind)
    : HsmPairMechanism(algorithm, CKA.CKA_SIGN, CKA.CKA_VERIFY, kind)
{
    // A token (JWS) is longer than its payload, by a third and a header.
    private const int EncodedLength = 2;

    /// <inheritdoc/>
    public override IReadOnlyList<KeyUsage> Usages => field ??= [.. algorithm.Usages.Where(u => u is KeyUsage.SignVerify or KeyUsage.Jws)];

    /// <summary>The ways of signing that a token may know, the default first.</summary>
    public virtual IReadOnlyList<SignatureScheme> Schemes => algorithm.Schemes;

    /// <summary>Length of a signature in bytes, as the token makes it.</summary>
    protected abstract int SignatureLength { get; }

    /// <summary>Whether the token gets the message itself, so that it matters how long one it takes.</summary>
    protected virtual bool SignsMessages => false;

    /// <inheritdoc/>
    public sealed override IReadOnlyList<string> AlgorithmNames(KeyUsage usage, HsmProof? proof) =>
        usage == KeyUsage.Jws ? [.. JwsAlgorithms(Schemes).Select(a => a.Name)] : [.. Schemes.Select(s => s.Name)];

    /// <inheritdoc/>
    public sealed override IReadOnlyList<string> Lacks(HsmProof proof) => [.. Schemes.Except(proof.Schemes).Select(s => s.Name)];

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

    /// <inheritdoc/>
    protected sealed override IKeyVersion OpenPair(HsmVersionKey key, KeyUsage usage, KeyVersionName name, byte[] publicPart)
    {
        var version = new HsmSigningVersion(key, this, name.Version, publicPart);
        return usage == KeyUsage.Jws ? new JwsVersion(JwsAlgorithms(version.Schemes), name.KeyId, version) : version;
    }

    /// <inheritdoc/>
    protected sealed override void RequirePublic(byte[] publicPart) => OpenPublic(1, publicPart).Dispose();

    /// <inheritdoc/>
    protected sealed override string? Misfit(HsmSession session, HsmProof proof, ulong key, byte[] publicPart)
    {
        using var verifies = OpenPublic(1, publicPart);
        return Signs(session, key, Schemes[0], verifies, length: 32) ? null : "what its private key signs, its public key does not verify";
    }

    /// <inheritdoc/>
    protected sealed override HsmProof ProveUse(HsmSession session, ulong key, byte[] publicPart, HsmProof way, int largestMessage)
    {
        using var verifies = OpenPublic(1, publicPart);
        var proven = way with { Schemes = ProvenSchemes(session, key, verifies) };
        return SignsMessages ? proven with { MaxMessage = LargestMessage.Find(EncodedLength * largestMessage, size => Signs(session, key, Schemes[0], verifies, size)) } : proven;
    }

    private IReadOnlyList<JwsAlgorithm> JwsAlgorithms(IReadOnlyList<SignatureScheme> schemes) =>
        [.. algorithm.JwsAlgorithms.Where(a => schemes.Contains(a.Scheme))];

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
