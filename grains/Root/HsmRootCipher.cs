using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Root;

/// <summary>
/// How a root key in an HSM wraps KEKs, as bytes: <c>format(1) | mechanism(1) | wrapped</c>. The mechanism is recorded with
/// each wrap, so that a token which learns another one later still opens what it wrapped. With AES-GCM the wrapped part is
/// nonce || ciphertext || tag, and the header and the context are authenticated. AES-KEY-WRAP-PAD takes no associated data:
/// there the id that every KEK proves when it is opened binds it.
/// </summary>
internal sealed class HsmRootCipher
{
    private const byte Format = 2;
    private const byte GcmMechanism = 1;
    private const byte KeyWrapMechanism = 2;
    private const int HeaderLength = 2;

    private readonly TokenKeyWrap? _keyWrap;

    private HsmRootCipher(TokenGcm? gcm, TokenKeyWrap? keyWrap) => (Gcm, _keyWrap) = (gcm, keyWrap);

    /// <summary>How the token does AES-GCM; null when it does not.</summary>
    public TokenGcm? Gcm { get; }

    /// <summary>What was found, for the log.</summary>
    public override string ToString() => string.Join(", ", new object?[] { Gcm, _keyWrap }.Where(m => m is not null));

    /// <summary>Tries what the token does with the root key.</summary>
    /// <exception cref="HsmException">It does neither of the mechanisms; the message names them.</exception>
    public static HsmRootCipher Prove(ITokenCipher session, ulong key, int largestMessage)
    {
        var gcm = TokenGcm.Prove(session, key, largestMessage, out var gcmFailure);
        var keyWrap = TokenKeyWrap.Prove(session, key, out var keyWrapFailure);
        return gcm is not null || keyWrap is not null
            ? new HsmRootCipher(gcm, keyWrap)
            : throw new HsmException(
                $"The token can wrap with none of the two mechanisms that can be used by C_Encrypt. {gcmFailure}. {keyWrapFailure}.");
    }

    /// <summary>Wraps a secret.</summary>
    /// <param name="session">A session.</param>
    /// <param name="key">The root key.</param>
    /// <param name="secret">The secret.</param>
    /// <param name="context">Makes the associated data of a header.</param>
    public byte[] Wrap(ITokenCipher session, ulong key, byte[] secret, Func<byte[], byte[]> context)
    {
        byte[] header = [Format, Gcm is null ? KeyWrapMechanism : GcmMechanism];
        return [.. header, .. Gcm is null
            ? TokenKeyWrap.Wrap(session, key, secret)
            : Gcm.Encrypt(session, key, secret, context(header))];
    }

    /// <summary>Opens a wrapped secret.</summary>
    /// <returns>The secret's length; null for what this key did not wrap in this context.</returns>
    /// <exception cref="HsmException">The token cannot do it.</exception>
    public int? Unwrap(
        ITokenCipher session, ulong key, byte[] wrapped, Func<byte[], byte[]> context, byte[] secret,
        Func<bool> knownAnswer)
    {
        var rest = wrapped[HeaderLength..];
        return wrapped switch
        {
            [Format, GcmMechanism, ..] when Gcm is not null =>
                Gcm.Decrypt(session, key, rest, context(wrapped[..HeaderLength]), secret, knownAnswer),
            [Format, KeyWrapMechanism, ..] when _keyWrap is not null => _keyWrap.Unwrap(session, key, rest, secret, knownAnswer),
            [Format, GcmMechanism or KeyWrapMechanism, ..] => throw new HsmException(
                $"The key-encryption key was wrapped by {(wrapped[1] == GcmMechanism ? "CKM_AES_GCM" : "CKM_AES_KEY_WRAP_PAD")}, which the token no longer does."),
            _ => null,
        };
    }

    /// <summary>Makes something that the token must know as long as it has this key and works.</summary>
    public HsmKnownAnswer NewKnownAnswer(ITokenCipher session, ulong key, byte[] keyId)
    {
        var secret = "okms.hsm.known-answer"u8.ToArray();
        var wrapped = Wrap(session, key, secret, static _ => [])[HeaderLength..];
        return new HsmKnownAnswer(keyId, (asked, handle) =>
        {
            var opened = new byte[wrapped.Length];
            var answer = Gcm is null
                ? TokenKeyWrap.TryUnwrap(asked, handle, wrapped, opened, out var length)
                : TokenGcm.TryDecrypt(asked, handle, wrapped, [], opened, out length);
            return answer.IsOk && opened.AsSpan(0, length).SequenceEqual(secret);
        });
    }
}
