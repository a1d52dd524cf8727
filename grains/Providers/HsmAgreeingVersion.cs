using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>One version of a key in the HSM that agrees on secrets; every agreement is an HSM call.</summary>
/// <param name="key">The key.</param>
/// <param name="mechanism">How it agrees.</param>
/// <param name="version">The key version.</param>
internal sealed class HsmAgreeingVersion(HsmVersionKey key, HsmAgreement mechanism, int version) : IAgrees
{
    private bool _disposed;

    /// <inheritdoc/>
    public int Version => version;

    /// <inheritdoc/>
    public bool IsAvailable => key.IsAvailable;

    /// <inheritdoc/>
    public async ValueTask<SecretBytes?> Agree(ReadOnlyMemory<byte> publicKey)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (mechanism.PointOf(publicKey.Span) is not { } point)
        {
            return null;
        }

        var agreement = (await key.Proof())?.Agreement ?? TokenAgreement.All[0];
        var secret = await key.Hsm.RunRepeatable(session => Agree(session, agreement, point), CancellationToken.None);
        if (secret.Span.ContainsAnyExcept((byte)0))
        {
            return secret;
        }

        // That of a point of low order (RFC 7748, 6.1).
        secret.Dispose();
        return null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed = true;
        key.Forget();
    }

    // Nothing in a secret tells which key found it, so the handle is looked at afterwards.
    private SecretBytes Agree(HsmSession session, TokenAgreement agreement, byte[] point)
    {
        for (var isSecondTry = false; ; isSecondTry = true)
        {
            var handle = key.Handle(session);
            var secret = agreement.Agree(session, handle, point, mechanism.SecretLength);
            var isOurs = false;
            try
            {
                isOurs = key.IsHandle(session, handle);
                if (isOurs)
                {
                    return secret;
                }
            }
            finally
            {
                if (!isOurs)
                {
                    secret.Dispose();
                }
            }

            if (isSecondTry)
            {
                throw new HsmWrongAnswerException($"another key answered for {Convert.ToHexStringLower(key.Id)}");
            }
        }
    }
}
