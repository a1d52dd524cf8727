namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>
/// A key spec for digital signatures. Its material is PKCS#8 (RFC 5958, DER), its public part SubjectPublicKeyInfo (RFC 5280, DER).
/// </summary>
public abstract class SignatureAlgorithm : KeyAlgorithm
{
    private static readonly KeyUsage[] _usages = [KeyUsage.SignVerify];

    /// <inheritdoc/>
    public override IReadOnlyList<KeyUsage> Usages => _usages;

    /// <summary>The ways in which keys sign, the default first.</summary>
    public abstract IReadOnlyList<SignatureScheme> Schemes { get; }

    /// <inheritdoc/>
    public override UsageLimit Limit => UsageLimit.None;

    /// <summary>No: a signature says nothing of the other ones, and whoever verifies offline knows the old public key.</summary>
    public sealed override bool RotatesAfterRestore => false;

    /// <inheritdoc/>
    public override IReadOnlyList<string> AlgorithmNames(KeyUsage usage) => [.. Schemes.Select(scheme => scheme.Name)];

    /// <inheritdoc/>
    public override IKeyVersion? OpenPublic(KeyUsage usage, int version, ReadOnlySpan<byte> publicPart)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(version, 1);
        return Usages.Contains(usage)
            ? new VerifyingVersion(this, version, OpenPublicKey(publicPart))
            : throw new ArgumentException($"A key of {Spec} cannot have this usage.", nameof(usage));
    }

    private protected override IKeyVersion OpenCore(KeyUsage usage, string keyId, int version, ReadOnlySpan<byte> material) =>
        SignsSlowly ? new SlowSigningVersion(this, version, OpenPrivateKey(material)) : new SigningVersion(this, version, OpenPrivateKey(material));

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
