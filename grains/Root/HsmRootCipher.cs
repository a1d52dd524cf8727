using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Root;

/// <summary>
/// How a root key in an HSM wraps KEKs, as bytes: <c>format(1) | mechanism(1) | wrapped</c>. The mechanism is recorded with each
/// wrap, so that a token that gains another one still opens its earlier wraps. With AES-GCM the wrapped part is nonce ||
/// ciphertext || tag, and the header and the context are authenticated. AES-KEY-WRAP-PAD takes no associated data: there the
/// binding is the id that every KEK proves when it is opened.
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

    /// <summary>Finds out what the token can do with the root key.</summary>
    /// <exception cref="HsmException">It supports neither mechanism; the message names them.</exception>
    public static HsmRootCipher Prove(ITokenCipher session, ulong key, int largestMessage)
    {
        var gcm = TokenGcm.Prove(session, key, largestMessage, out var gcmFailure);
        var keyWrap = TokenKeyWrap.Prove(session, key, out var keyWrapFailure);
        return gcm is not null || keyWrap is not null
            ? new HsmRootCipher(gcm, keyWrap)
            : throw new HsmException(
                $"The token supports neither of the two mechanisms for wrapping by C_Encrypt. {gcmFailure}. {keyWrapFailure}.");
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
    /// <returns>The secret's length; null unless this key wrapped it in this context.</returns>
    /// <exception cref="HsmException">The token failed.</exception>
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
                $"The key-encryption key was wrapped by {(wrapped[1] == GcmMechanism ? "CKM_AES_GCM" : "CKM_AES_KEY_WRAP_PAD")}, "
                    + "which the token no longer supports."),
            _ => null,
        };
    }

    /// <summary>Makes a known answer: something that the token can open as long as it has this key and works.</summary>
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
