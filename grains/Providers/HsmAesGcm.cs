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
    public override bool IsOffered(HsmToken hsm) => hsm.Gcm is { MaxMessage: > 0 };

    /// <inheritdoc/>
    public override void Make(HsmSession session, byte[] id, string label) =>
        session.GenerateAesKey(HsmKeyRules.NewKey(id, label));

    /// <inheritdoc/>
    public override string? Violation(HsmSession session, ulong key) => HsmKeyRules.Violation(session, key);

    /// <inheritdoc/>
    public override IKeyVersion Open(HsmToken hsm, byte[] id, KeyUsage usage, KeyVersionName name) =>
        new HsmAesGcmVersion(hsm, id, name.Version, _algorithm.Codec(name.KeyId, name.Version));
}
