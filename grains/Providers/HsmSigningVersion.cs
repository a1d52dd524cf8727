using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Signatures;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// One version of a signature key in the HSM; every signature is an HSM call, and is verified here before it leaves. What verifies is the
/// public key from the row, not what the token shows.
/// </summary>
/// <param name="key">The key.</param>
/// <param name="mechanism">How it signs.</param>
/// <param name="version">The key version.</param>
/// <param name="publicPart">Its public part.</param>
internal sealed class HsmSigningVersion(HsmVersionKey key, HsmSigning mechanism, int version, byte[] publicPart) : ISigns
{
    // Threads of the HSM verify, one at a time for each key; opened by the first.
    private readonly Lock _lock = new();
    private IVerifies? _verifies;
    private bool _disposed;

    /// <inheritdoc/>
    public int Version => version;

    /// <inheritdoc/>
    public bool IsAvailable => key.IsAvailable;

    /// <inheritdoc/>
    public IReadOnlyList<SignatureScheme> Schemes =>
        key.Proofs.Find(mechanism) is { Schemes: { Count: > 0 } proven } ? proven : mechanism.Schemes;

    /// <inheritdoc/>
    public bool SignsAtOnce => false;

    /// <inheritdoc/>
    public void RequireRoom()
    {
        // The HSM's queue refuses what it has no room for; a use that was started counts, as with every key there.
    }

    /// <inheritdoc/>
    public async ValueTask<byte[]> Sign(SignatureInput input, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var proof = key.Proofs.Find(mechanism);
        if (proof is not null && mechanism.WhyNot(proof) is { } refusal)
        {
            // It could when the key was made.
            throw KmsError.HsmUnavailable.Exception($"The HSM no longer signs with keys of {mechanism.Spec}: {refusal}.");
        }

        if (input.Data.Length > proof?.MaxMessage)
        {
            throw KmsError.PayloadTooLarge.Exception($"The HSM takes messages of up to {proof.MaxMessage} bytes.");
        }

        var signed = input.Signed(stackalloc byte[SignatureInput.MaxDigestLength]).ToArray();
        var (scheme, encoding) = (input.Scheme, input.Encoding);
        var signature = await key.Hsm.RunRepeatable(session => Sign(session, scheme, signed), cancellationToken);
        return mechanism.Encoded(signature, encoding);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _verifies?.Dispose();
            _verifies = null;
        }

        key.Forget();
    }

    private byte[] Sign(HsmSession session, SignatureScheme scheme, byte[] signed)
    {
        var signature = mechanism.Sign(session, key.Handle(session), scheme, signed);
        if (IsGood(scheme, signed, signature))
        {
            return signature;
        }

        // The handle may be another key's by now, which a look at the token tells.
        session.ForgetKeys();
        signature = mechanism.Sign(session, key.Handle(session), scheme, signed);
        return IsGood(scheme, signed, signature)
            ? signature
            : throw new HsmWrongAnswerException($"a signature that the public key of {Convert.ToHexStringLower(key.Id)} does not verify");
    }

    private bool IsGood(SignatureScheme scheme, byte[] signed, byte[] signature)
    {
        lock (_lock)
        {
            if (!_disposed)
            {
                return HsmSigning.Verifies(_verifies ??= mechanism.OpenPublic(version, publicPart), scheme, signed, signature);
            }
        }

        // Closed meanwhile, perhaps for good: the key decides whether the answer leaves.
        using var once = mechanism.OpenPublic(version, publicPart);
        return HsmSigning.Verifies(once, scheme, signed, signature);
    }
}
