using System.Security.Cryptography;
using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// Keys that agree on a secret by CKM_ECDH1_DERIVE. The other side's point is checked here before the token gets it: what a module checks
/// cannot be known, and a point off the curve would reveal the private key (Biehl, Meyer and Müller 2000).
/// </summary>
/// <param name="algorithm">The algorithm, which agrees in software for the proof.</param>
/// <param name="kinds">How tokens make the pairs.</param>
internal abstract class HsmAgreement(KeyAlgorithm algorithm, params HsmPairs[] kinds)
    : HsmPairMechanism(algorithm, CKA.CKA_DERIVE, publicRight: null, kinds)
{
    private static readonly KeyUsage[] _usages = [KeyUsage.KeyAgreement];

    /// <inheritdoc/>
    public sealed override IReadOnlyList<KeyUsage> Usages => _usages;

    /// <inheritdoc/>
    public sealed override IEnumerable<string> Names(HsmProof proof) =>
        [Algorithm.Usages[0] == KeyUsage.KeyAgreement ? Spec : $"{Spec}:key_agreement"];

    /// <summary>Length of a secret in bytes.</summary>
    internal abstract int SecretLength { get; }

    /// <summary>The point of a public key, as tokens take it.</summary>
    /// <param name="publicKey">SubjectPublicKeyInfo; may be anything.</param>
    /// <returns>Null for what is no public key of the spec.</returns>
    internal abstract byte[]? PointOf(ReadOnlySpan<byte> publicKey);

    /// <inheritdoc/>
    protected sealed override IKeyVersion OpenPair(HsmVersionKey key, KeyUsage usage, KeyVersionName name, byte[] publicPart) =>
        new HsmAgreeingVersion(key, this, name.Version);

    /// <inheritdoc/>
    protected sealed override void RequirePublic(byte[] publicPart) =>
        _ = PointOf(publicPart) ?? throw new CryptographicException("This is no public key of the spec.");

    /// <inheritdoc/>
    protected sealed override string? Misfit(HsmSession session, HsmProof proof, ulong key, byte[] publicPart) =>
        Agrees(session, key, publicPart, proof.Agreement!) ? null : "the secret that its private key leads to is not that of its public key";

    /// <inheritdoc/>
    protected sealed override HsmProof ProveUse(HsmSession session, ulong key, byte[] publicPart, HsmProof way, int largestMessage)
    {
        HsmException? failure = null;
        foreach (var agreement in TokenAgreement.All)
        {
            try
            {
                return Agrees(session, key, publicPart, agreement)
                    ? way with { Agreement = agreement }
                    : throw new HsmException("The token's CKM_ECDH1_DERIVE leads to another secret.");
            }
            catch (HsmException e) when (!e.IsTokenLost)
            {
                failure ??= e;
            }
        }

        throw failure!;
    }

    /// <summary>Whether the token finds the secret that software finds on the other side.</summary>
    private bool Agrees(HsmSession session, ulong key, byte[] publicPart, TokenAgreement agreement)
    {
        using var material = AtOnce(Algorithm.NewMaterial());
        using var other = Algorithm.Open(KeyUsage.KeyAgreement, "proof", 1, material.Span).Require<IAgrees>();
        using var expected = AtOnce(other.Agree(publicPart));
        using var found = agreement.Agree(session, key, PointOf(Algorithm.PublicPart(material.Span))!, SecretLength);
        return expected is not null && found.Span.SequenceEqual(expected.Span);
    }

    private static T AtOnce<T>(ValueTask<T> software) =>
        software.IsCompletedSuccessfully ? software.Result : throw new InvalidOperationException("internal error: software answers at once.");
}
