using System.Security.Cryptography;
using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Macs;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// HMAC by CKM_SHA…_HMAC (PKCS#11 v2.40, 2.20 and following) with a generic secret as long as the hash. The key may only sign: a MAC is
/// verified by making it again.
/// </summary>
/// <param name="algorithm">The algorithm.</param>
/// <param name="mechanism">The mechanism.</param>
internal sealed class HsmHmac(MacAlgorithm algorithm, CKM mechanism) : HsmMechanism
{
    private const string ProofLabel = "okms self-test";
    private const int ProofIdLength = 16;

    private readonly HsmKeyRules _rules = HsmKeyRules.Secret(CKK.CKK_GENERIC_SECRET, algorithm.MacLength, CKA.CKA_SIGN);
    private readonly TokenSigning _hmac = TokenSigning.By(mechanism);

    /// <inheritdoc/>
    public override string Spec => algorithm.Spec;

    /// <inheritdoc/>
    public override IReadOnlyList<KeyUsage> Usages => algorithm.Usages;

    /// <summary>Length of a MAC in bytes.</summary>
    public int MacLength => algorithm.MacLength;

    /// <inheritdoc/>
    public override HsmProof Prove(HsmToken hsm, HsmSession session, int largestMessage)
    {
        RequireHmac(session);
        var key = session.GenerateSessionKey(
            _rules.NewKey(RandomNumberGenerator.GetBytes(ProofIdLength), ProofLabel), CKM.CKM_GENERIC_SECRET_KEY_GEN);
        try
        {
            if (_rules.Violation(session, key, isOnToken: false) is { } violation)
            {
                throw new HsmException($"The token made a key other than the one requested: {violation}.");
            }

            return new() { MaxMessage = LargestMessage.Find(largestMessage, size => Mac(session, key, new byte[size]).Length == MacLength) };
        }
        finally
        {
            session.DestroySessionKey(key);
        }
    }

    /// <inheritdoc/>
    public override byte[]? Make(HsmSession session, HsmProof proof, byte[] id, string label)
    {
        session.GenerateKey(CKM.CKM_GENERIC_SECRET_KEY_GEN, _rules.NewKey(id, label));
        return null;
    }

    /// <inheritdoc/>
    public override string? Violation(HsmSession session, HsmProof proof, ulong key, byte[]? publicPart) => _rules.Violation(session, key);

    /// <inheritdoc/>
    public override IKeyVersion Open(HsmToken hsm, HsmProofs proofs, byte[] id, KeyUsage usage, KeyVersionName name, byte[]? publicPart) =>
        new HsmMacVersion(hsm, proofs, this, id, name.Version);

    /// <summary>Makes the MAC of a message.</summary>
    /// <exception cref="HsmException">The token refused.</exception>
    internal byte[] Mac(HsmSession session, ulong key, byte[] message) => _hmac.Sign(session, key, message, MacLength);

    /// <summary>Requires that the token's HMAC is that of the standard, by a key that both sides know.</summary>
    private void RequireHmac(HsmSession session)
    {
        var known = RandomNumberGenerator.GetBytes(MacLength);
        var template = new Pkcs11Template()
            .Add(CKA.CKA_CLASS, (ulong)CKO.CKO_SECRET_KEY).Add(CKA.CKA_KEY_TYPE, (ulong)CKK.CKK_GENERIC_SECRET)
            .Add(CKA.CKA_TOKEN, false).Add(CKA.CKA_LABEL, ProofLabel).Add(CKA.CKA_SIGN, true);
        var key = Known(session, template, ref known);
        using var software = algorithm.OpenKey(known);
        try
        {
            foreach (var length in (int[])[0, 1, 63, 200])
            {
                var message = RandomNumberGenerator.GetBytes(length);
                var expected = new byte[MacLength];
                software.Compute(message, expected);
                if (!expected.AsSpan().SequenceEqual(Mac(session, key, message)))
                {
                    throw new HsmException($"The token's {mechanism} is another function than HMAC.");
                }
            }
        }
        finally
        {
            session.DestroySessionKey(key);
        }
    }

    // Tokens that let no secret in may still let one out that was made to be seen. Neither protects anything.
    private ulong Known(HsmSession session, Pkcs11Template template, ref byte[] known)
    {
        try
        {
            return session.CreateSessionKey(template.Add(CKA.CKA_VALUE, known));
        }
        catch (HsmException e) when (!e.IsTokenLost)
        {
            var key = session.GenerateSessionKey(
                template.Without(CKA.CKA_VALUE).Add(CKA.CKA_VALUE_LEN, (ulong)MacLength).Add(CKA.CKA_SENSITIVE, false).Add(CKA.CKA_EXTRACTABLE, true),
                CKM.CKM_GENERIC_SECRET_KEY_GEN);
            if (session.Attribute(key, CKA.CKA_VALUE) is not { Length: > 0 } value)
            {
                session.DestroySessionKey(key);
                throw new HsmException($"No known answer of {mechanism} can be had: the token takes no key for it ({e.Message}), and shows none.");
            }

            known = value;
            return key;
        }
    }
}
