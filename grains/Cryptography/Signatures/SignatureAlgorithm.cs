namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>
/// A key spec for digital signatures. Its material is PKCS#8 (RFC 5958, DER), its public part SubjectPublicKeyInfo (RFC 5280, DER).
/// </summary>
public abstract class SignatureAlgorithm : KeyAlgorithm
{
    private static readonly KeyUsage[] _signs = [KeyUsage.SignVerify];
    private static readonly KeyUsage[] _signsTokensToo = [KeyUsage.SignVerify, KeyUsage.Jws];

    /// <inheritdoc/>
    public override IReadOnlyList<KeyUsage> Usages => JwsAlgorithms.Count == 0 ? _signs : _signsTokensToo;

    /// <inheritdoc/>
    public override int SinceLevel(KeyUsage usage) => usage == KeyUsage.Jws ? 6 : base.SinceLevel(usage);

    /// <summary>The ways in which keys sign, the default first.</summary>
    public abstract IReadOnlyList<SignatureScheme> Schemes { get; }

    /// <summary>The ways in which keys sign tokens, the default first; empty for a spec whose keys sign none.</summary>
    public virtual IReadOnlyList<JwsAlgorithm> JwsAlgorithms => [];

    /// <inheritdoc/>
    public override UsageLimit Limit => UsageLimit.None;

    /// <summary>No: a signature says nothing of the other ones, and whoever verifies offline knows the old public key.</summary>
    public sealed override bool RotatesAfterRestore => false;

    /// <inheritdoc/>
    public override IReadOnlyList<string> AlgorithmNames(KeyUsage usage) => usage == KeyUsage.Jws
        ? [.. JwsAlgorithms.Select(algorithm => algorithm.Name)]
        : [.. Schemes.Select(scheme => scheme.Name)];

    /// <inheritdoc/>
    public override IKeyVersion? OpenPublic(KeyUsage usage, int version, ReadOnlySpan<byte> publicPart)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(version, 1);
        return Usages.Contains(usage)
            ? new VerifyingVersion(this, version, OpenPublicKey(publicPart))
            : throw new ArgumentException($"A key of {Spec} cannot have this usage.", nameof(usage));
    }

    private protected override IKeyVersion OpenCore(KeyUsage usage, string keyId, int version, ReadOnlySpan<byte> material)
    {
        var key = OpenPrivateKey(material);
        ISigns signs = SignsSlowly ? new SlowSigningVersion(this, version, key) : new SigningVersion(this, version, key);
        return usage == KeyUsage.Jws ? new JwsVersion(JwsAlgorithms, keyId, signs) : signs;
    }

    /// <summary>Whether a signature takes so long that other calls of the key must not wait for it.</summary>
    private protected virtual bool SignsSlowly => false;

    /// <summary>Opens a private key from material that <see cref="KeyAlgorithm.Accepts"/>.</summary>
    /// <param name="material">The material; do not keep it.</param>
    private protected abstract SignatureKey OpenPrivateKey(ReadOnlySpan<byte> material);

    /// <summary>Opens a public key, which only verifies.</summary>
    /// <param name="publicPart">SubjectPublicKeyInfo.</param>
    /// <exception cref="System.Security.Cryptography.CryptographicException">It is not a public key of this spec.</exception>
    private protected abstract SignatureKey OpenPublicKey(ReadOnlySpan<byte> publicPart);
}
