using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>One version of a key for MACs in the HSM; every operation is an HSM call.</summary>
/// <param name="hsm">The token.</param>
/// <param name="proofs">What it can do.</param>
/// <param name="mechanism">How it makes MACs.</param>
/// <param name="id">The key's CKA_ID.</param>
/// <param name="version">The key version.</param>
internal sealed class HsmMacVersion(HsmToken hsm, HsmProofs proofs, HsmHmac mechanism, byte[] id, int version) : IMacs
{
    private bool _disposed;

    /// <inheritdoc/>
    public int Version => version;

    /// <inheritdoc/>
    public bool IsAvailable => hsm.IsUp && proofs.Find(mechanism)?.Refusal is null;

    /// <inheritdoc/>
    public int MacLength => mechanism.MacLength;

    /// <inheritdoc/>
    public bool MacsAtOnce => false;

    /// <inheritdoc/>
    public async ValueTask<byte[]> Mac(ReadOnlyMemory<byte> message)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var proof = proofs.Find(mechanism);
        if (proof?.Refusal is { } refusal)
        {
            // It could when the key was made.
            throw KmsError.HsmUnavailable.Exception($"The HSM no longer makes MACs with keys of {mechanism.Spec}: {refusal}.");
        }

        if (message.Length > proof?.MaxMessage)
        {
            throw KmsError.PayloadTooLarge.Exception($"The HSM takes messages of up to {proof.MaxMessage} bytes.");
        }

        var copy = message.ToArray();
        return await hsm.RunRepeatable(session => mechanism.Mac(session, Key(session), copy), CancellationToken.None);
    }

    /// <inheritdoc/>
    public async ValueTask<bool> VerifyMac(ReadOnlyMemory<byte> message, ReadOnlyMemory<byte> mac)
    {
        // A MAC that the caller could not make: it is not left in memory.
        var expected = await Mac(message);
        var isEqual = CryptographicOperations.FixedTimeEquals(expected, mac.Span);
        CryptographicOperations.ZeroMemory(expected);
        return isEqual;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed = true;

        // It may have been closed because another silo has destroyed it.
        hsm.Forget(id);
    }

    private ulong Key(HsmSession session) => session.FindKey(id, mechanism.Class)
        ?? throw new HsmException($"The token has no key {Convert.ToHexStringLower(id)}.");
}
