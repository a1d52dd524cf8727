using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>The private key of a version on the token.</summary>
/// <param name="Hsm">The token.</param>
/// <param name="Proofs">What it can do.</param>
/// <param name="Mechanism">How it holds the key.</param>
/// <param name="Id">The key's CKA_ID.</param>
internal sealed record HsmVersionKey(HsmToken Hsm, HsmProofs Proofs, HsmMechanism Mechanism, byte[] Id)
{
    /// <summary>Whether the key can be used now, as far as that is known.</summary>
    public bool IsAvailable => Hsm.IsUp && (Proofs.Find(Mechanism) is not { } proof || Mechanism.WhyNot(proof) is null);

    /// <summary>
    /// What the token can do with the key; waits a little after the start, while that is found out. Null if it is not known then: the key was
    /// made by a token that could, so whoever asks goes on as with the likeliest.
    /// </summary>
    /// <exception cref="KmsException">hsm_unavailable: it can no longer hold such keys.</exception>
    public async ValueTask<HsmProof?> Proof() =>
        await Proofs.GetSoon(Mechanism, CancellationToken.None) is { } proof && Mechanism.WhyNot(proof) is { } refusal
            ? throw KmsError.HsmUnavailable.Exception($"The HSM can no longer use keys of {Mechanism.Spec}: {refusal}.")
            : Proofs.Find(Mechanism);

    /// <summary>The key's handle.</summary>
    /// <exception cref="HsmException">The token does not have it.</exception>
    public ulong Handle(HsmSession session) => session.FindKey(Id, Mechanism.Class)
        ?? throw new HsmException($"The token has no key {Convert.ToHexStringLower(Id)}.");

    /// <summary>
    /// Whether a handle is this key's still: a token may give that of a destroyed key to the next, and nothing in an answer that cannot be
    /// checked would tell. If it is not, it is looked up again.
    /// </summary>
    public bool IsHandle(HsmSession session, ulong handle)
    {
        if (session.Attribute(handle, CKA.CKA_ID).AsSpan().SequenceEqual(Id))
        {
            return true;
        }

        session.ForgetKeys();
        return false;
    }

    /// <summary>The version was closed, perhaps because another silo has destroyed it.</summary>
    public void Forget() => Hsm.Forget(Id);
}
