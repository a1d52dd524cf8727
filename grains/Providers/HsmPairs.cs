using System.Security.Cryptography;
using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>How tokens make pairs of one kind and show their public keys, whatever the pairs are for.</summary>
/// <param name="type">The type of the keys.</param>
/// <param name="maker">The mechanism that makes them.</param>
/// <param name="makerName">Its name, for messages.</param>
internal abstract class HsmPairs(CKK type, CKM maker, string makerName)
{
    /// <summary>The type of the keys.</summary>
    public CKK Type => type;

    /// <summary>Whether making one takes so long that other calls of a key must not wait for it.</summary>
    public virtual bool IsSlow => false;

    /// <summary>What to try a token with: tokens may differ in how a curve is named.</summary>
    public virtual IEnumerable<HsmProof> Ways(HsmSession session) => [new() { Type = type }];

    /// <summary>Why a token with this proof cannot make such pairs; null when it can.</summary>
    public virtual string? WhyNot(HsmProof proof) => null;

    /// <summary>Reads a public key (SubjectPublicKeyInfo, DER).</summary>
    /// <param name="session">A session.</param>
    /// <param name="key">The handle of the public key.</param>
    /// <exception cref="HsmException">An attribute is missing.</exception>
    /// <exception cref="CryptographicException">It is no key of the kind.</exception>
    public abstract byte[] ReadPublic(HsmSession session, ulong key);

    /// <summary>A new pair.</summary>
    /// <param name="rules">The rules of its private key.</param>
    /// <param name="publicRight">What its public key is for; null for nothing that a token does.</param>
    /// <param name="way">How this token makes it.</param>
    /// <param name="id">The CKA_ID.</param>
    /// <param name="label">The CKA_LABEL.</param>
    public HsmPair New(HsmKeyRules rules, CKA? publicRight, HsmProof way, byte[] id, string label)
    {
        var publicKey = new Pkcs11Template()
            .Add(CKA.CKA_CLASS, (ulong)CKO.CKO_PUBLIC_KEY).Add(CKA.CKA_KEY_TYPE, (ulong)type).Add(CKA.CKA_ID, id).Add(CKA.CKA_LABEL, label);
        if (publicRight is { } right)
        {
            publicKey.Add(right, true);
        }

        return new(maker, makerName, AddTo(publicKey, way), rules.NewKey(id, label), IsSlow);
    }

    /// <summary>Adds what a public key of the kind needs.</summary>
    protected abstract Pkcs11Template AddTo(Pkcs11Template publicKey, HsmProof way);

    /// <summary>An attribute that the token must show.</summary>
    protected static byte[] Required(HsmSession session, ulong key, CKA type) =>
        session.Attribute(key, type) is { Length: > 0 } value ? value : throw new HsmException($"The token does not show the {type} of a public key.");
}
