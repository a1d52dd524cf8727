using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography.Importing;

namespace OrleansKms.Grains.Cryptography;

/// <summary>
/// One key spec: a row of the algorithm table. The base checks arguments once; a subclass, in a file of its own, does
/// only the cryptography.
/// </summary>
public abstract class KeyAlgorithm
{
    /// <summary>The name in the API, for example <c>AES_256_GCM</c>.</summary>
    public abstract string Spec { get; }

    /// <summary>What keys of this spec may be used for; the first is the default.</summary>
    public abstract IReadOnlyList<KeyUsage> Usages { get; }

    /// <summary>
    /// The feature level from which keys of this spec and usage can be created: programs that know only lower ones do not know them.
    /// </summary>
    /// <param name="usage">One of <see cref="Usages"/>.</param>
    public virtual int SinceLevel(KeyUsage usage) => 5;

    /// <summary>How often one version may be used.</summary>
    public abstract UsageLimit Limit { get; }

    /// <summary>Whether making material takes so long that other calls of a key must not wait for it.</summary>
    public virtual bool IsSlow => false;

    /// <summary>Makes new material in the encoding that <see cref="Open"/> takes; if that is slow, as <see cref="SlowWork"/>.</summary>
    /// <param name="cancellationToken">Ends the wait for slow work.</param>
    /// <returns>The material, which the caller disposes.</returns>
    /// <exception cref="KmsException">overloaded: too much slow work waits.</exception>
    public abstract ValueTask<SecretBytes> NewMaterial(CancellationToken cancellationToken = default);

    /// <summary>Whether these bytes are valid material of this spec, wherever they come from.</summary>
    /// <param name="material">Any bytes.</param>
    public abstract bool Accepts(ReadOnlySpan<byte> material);

    /// <summary>
    /// Checks material from outside, more thoroughly than <see cref="Accepts"/>, and puts it in the encoding that <see cref="Open"/> takes. A
    /// public key alone is taken where it is of use: to verify, to encrypt, to encapsulate. If <see cref="IsSlow"/>, so is this.
    /// </summary>
    /// <param name="usage">The key's usage; one of <see cref="Usages"/>.</param>
    /// <param name="material">Any bytes.</param>
    /// <returns>What to keep, which the caller disposes; null where the bytes are not sound material of this spec.</returns>
    public ImportedMaterial? Import(KeyUsage usage, ReadOnlySpan<byte> material)
    {
        if (ImportCore(material) is { } secret)
        {
            return new(secret, PublicPart(secret.Span));
        }

        return usage is KeyUsage.SignVerify or KeyUsage.EncryptDecrypt or KeyUsage.Encapsulate && AcceptsPublic(material)
            ? new(null, material.ToArray())
            : null;
    }

    /// <summary>The public part of the material (SubjectPublicKeyInfo, DER; RFC 5280, 4.1); null for a spec that has none.</summary>
    /// <param name="material">Material that <see cref="Accepts"/>.</param>
    public virtual byte[]? PublicPart(ReadOnlySpan<byte> material) => null;

    /// <summary>
    /// Whether, after a restore from a backup, a key makes a new version before it is used: how often the old one was used is then
    /// unknown. A spec without a limit to keep need not.
    /// </summary>
    public virtual bool RotatesAfterRestore => true;

    /// <summary>
    /// Whether data key pairs can be of this spec. Their private keys are its material, which is PKCS#8 then, and they have a public part.
    /// </summary>
    public virtual bool MakesDataKeyPairs => false;

    /// <summary>The algorithms that an operation can name, the default first; empty where there is but one way to use a key.</summary>
    /// <param name="usage">One of <see cref="Usages"/>.</param>
    public virtual IReadOnlyList<string> AlgorithmNames(KeyUsage usage) => [];

    /// <summary>The ways to encrypt with a public key, the default first; empty for a spec whose keys do not.</summary>
    public virtual IReadOnlyList<EncryptionScheme> EncryptionSchemes => [];

    /// <summary>The public part as a JSON Web Key (RFC 7517); null where the spec has no such form.</summary>
    /// <param name="publicPart">What <see cref="PublicPart"/> has made.</param>
    public virtual PublicJwk? JwkOf(ReadOnlySpan<byte> publicPart) => null;

    /// <summary>Opens the public part of a version: what can be done without the private one.</summary>
    /// <param name="usage">One of <see cref="Usages"/>.</param>
    /// <param name="version">The key version; 1 or more.</param>
    /// <param name="publicPart">What <see cref="PublicPart"/> has made.</param>
    /// <returns>The version, which the caller disposes; null for a spec without public parts.</returns>
    /// <exception cref="ArgumentException">An argument is not valid.</exception>
    /// <exception cref="CryptographicException">The platform rejects the public part.</exception>
    public virtual IKeyVersion? OpenPublic(KeyUsage usage, int version, ReadOnlySpan<byte> publicPart) => null;

    /// <summary>Opens a version in this process. The material may be zeroed as soon as this returns.</summary>
    /// <param name="usage">The key's usage; one of <see cref="Usages"/>. It decides which capabilities the version offers.</param>
    /// <param name="keyId">The key's id.</param>
    /// <param name="version">The key version; 1 or more.</param>
    /// <param name="material">The version's material.</param>
    /// <returns>The version, which the caller disposes.</returns>
    /// <exception cref="ArgumentException">An argument is not valid.</exception>
    /// <exception cref="CryptographicException">The platform rejects the material.</exception>
    public IKeyVersion Open(KeyUsage usage, string keyId, int version, ReadOnlySpan<byte> material)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(version, 1);
        if (!Usages.Contains(usage))
        {
            throw new ArgumentException($"A key of {Spec} cannot have this usage.", nameof(usage));
        }

        if (!KeyId.IsValid(keyId))
        {
            throw new ArgumentException("The key id is not valid.", nameof(keyId));
        }

        return Accepts(material)
            ? OpenCore(usage, keyId, version, material)
            : throw new ArgumentException($"This is not material of {Spec}.", nameof(material));
    }

    /// <summary>Checks material from outside; the default is for specs whose material has one encoding.</summary>
    /// <param name="material">Any bytes.</param>
    /// <returns>The material in the encoding that <see cref="Open"/> takes, or null.</returns>
    private protected virtual SecretBytes? ImportCore(ReadOnlySpan<byte> material) => Accepts(material) ? SecretBytes.CopyOf(material) : null;

    /// <summary>Whether bytes from outside are a sound public part, exactly as <see cref="PublicPart"/> would make it.</summary>
    /// <param name="publicKey">Any bytes.</param>
    private protected virtual bool AcceptsPublic(ReadOnlySpan<byte> publicKey) => false;

    /// <summary>Opens a version from arguments that have been checked.</summary>
    /// <param name="usage">One of <see cref="Usages"/>.</param>
    /// <param name="keyId">A valid id.</param>
    /// <param name="version">1 or more.</param>
    /// <param name="material">Material that <see cref="Accepts"/>; do not keep it.</param>
    private protected abstract IKeyVersion OpenCore(KeyUsage usage, string keyId, int version, ReadOnlySpan<byte> material);
}
