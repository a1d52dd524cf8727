using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Aead;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// AES-256-GCM by CKM_AES_GCM (PKCS#11 v2.40, 2.12.4; v3.0, 2.13.4), in the way that <see cref="TokenGcm"/> found the token to do
/// it.
/// </summary>
internal sealed class HsmAesGcm : HsmMechanism
{
    private static readonly Aes256GcmAlgorithm _algorithm = new();

    /// <inheritdoc/>
    public override string Spec => _algorithm.Spec;

    /// <inheritdoc/>
    public override IReadOnlyList<KeyUsage> Usages => _algorithm.Usages;

    /// <summary>Every program that knows the HSM knows it.</summary>
    public override int SinceLevel => 1;

    /// <inheritdoc/>
    /// <remarks>Proven already: with the root key.</remarks>
    public override HsmProof Prove(HsmToken hsm, HsmSession session, int largestMessage) =>
        hsm.Gcm is { MaxMessage: > 0 } ? new() : throw new HsmException("CKM_AES_GCM does not work with the root key.");

    /// <inheritdoc/>
    public override byte[]? Make(HsmSession session, HsmProof proof, byte[] id, string label)
    {
        session.GenerateAesKey(HsmKeyRules.Aes.NewKey(id, label));
        return null;
    }

    /// <inheritdoc/>
    public override string? Violation(HsmSession session, HsmProof proof, ulong key, byte[]? publicPart) => HsmKeyRules.Aes.Violation(session, key);

    /// <inheritdoc/>
    public override IKeyVersion Open(HsmToken hsm, HsmProofs proofs, byte[] id, KeyUsage usage, KeyVersionName name, byte[]? publicPart) =>
        new HsmAesGcmVersion(hsm, id, name.Version, _algorithm.Codec(name.KeyId, name.Version));
}
