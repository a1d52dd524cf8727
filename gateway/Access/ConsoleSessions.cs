using System.Buffers.Binary;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace OrleansKms.Gateway.Access;

/// <summary>
/// The console's sessions. A session is in two halves, which a browser keeps apart: the user's token, sealed with AES-256-GCM, in a cookie
/// that no script can read; and the key to it, which the page keeps for its tab and sends as <c>Authorization: Console KEY</c>. Neither is
/// worth anything alone: a stolen cookie has no token in it, a script that is slipped into the page cannot take a token away, and a page of another site, for which
/// a browser might send the cookie, does not have the key. Nothing is kept here, so any gateway can open what another one sealed. A session gives no
/// rights of its own: each request is judged by the token in it, which may have been revoked since.
/// </summary>
internal sealed class ConsoleSessions(TimeProvider time)
{
    /// <summary>The scheme of the header <c>Authorization</c>.</summary>
    public const string Scheme = "Console ";

    /// <summary>The maximum length of a token in bytes: browsers accept cookies of 4 KiB.</summary>
    public const int MaxTokenBytes = 2800;

    /// <summary>A session ends when it was not used for this long.</summary>
    public static readonly TimeSpan Idle = TimeSpan.FromMinutes(30);

    /// <summary>A session ends this long after the sign-in, however much it is used.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromHours(8);

    // Not each request needs a new cookie.
    private static readonly TimeSpan _resealAfter = TimeSpan.FromMinutes(1);

    private const string Name = "okms-console";
    // A browser accepts this name only over TLS and only with the attribute Secure.
    private const string SecureName = "__Secure-" + Name;
    private const int KeyBytes = 32;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int TimesBytes = 2 * sizeof(long);
    private const int MaxSealedBytes = NonceBytes + TimesBytes + MaxTokenBytes + TagBytes;

    // Names the format: the next one, if there is one, does not open as this.
    private static ReadOnlySpan<byte> Format => "okms console session 1"u8;

    /// <summary>Begins a session.</summary>
    /// <param name="http">The request, which the token has signed in; its answer gets the cookie.</param>
    /// <param name="token">The token.</param>
    /// <returns>The key, for the page; null if the token is too long for a cookie.</returns>
    public string? Begin(HttpContext http, ReadOnlySpan<char> token)
    {
        if (Encoding.UTF8.GetByteCount(token) > MaxTokenBytes) return null;
        Span<byte> key = stackalloc byte[KeyBytes];
        RandomNumberGenerator.Fill(key);
        var now = time.GetUtcNow();
        Give(http, key, new(token.ToString(), now, now) { IsSecure = IsSecure(http.Request) });
        var text = Base64Url.EncodeToString(key);
        CryptographicOperations.ZeroMemory(key);
        return text;
    }

    /// <summary>Opens the session of a request.</summary>
    /// <param name="request">The request, with a cookie.</param>
    /// <param name="key">What the header says; untrusted.</param>
    /// <returns>Null if there is none, if the key is not that of the cookie, and if the session has ended.</returns>
    public ConsoleSession? Open(HttpRequest request, ReadOnlySpan<char> key)
    {
        Span<byte> bytes = stackalloc byte[KeyBytes];
        if (!IsKey(key, bytes)) return null;
        foreach (var name in (string[])[SecureName, Name])
        {
            if (request.Cookies[name] is { } cookie && TryOpen(bytes, cookie, out var session)) return session with { IsSecure = name == SecureName };
        }

        return null;
    }

    /// <summary>Prolongs a session whose request was let in, in the cookie that it came in.</summary>
    public void Prolong(HttpContext http, ConsoleSession session, ReadOnlySpan<char> key)
    {
        Span<byte> bytes = stackalloc byte[KeyBytes];
        var now = time.GetUtcNow();
        if (now - session.SealedAt >= _resealAfter && IsKey(key, bytes)) Give(http, bytes, session with { SealedAt = now });
    }

    /// <summary>Has the browser remove the cookie.</summary>
    public static void End(HttpContext http)
    {
        foreach (var name in (string[])[SecureName, Name])
        {
            http.Response.Cookies.Delete(name, Options(name == SecureName, null));
        }
    }

    private void Give(HttpContext http, ReadOnlySpan<byte> key, ConsoleSession session)
    {
        var left = session.Since + Longest - time.GetUtcNow();
        http.Response.Cookies.Append(
            session.IsSecure ? SecureName : Name, Seal(key, session), Options(session.IsSecure, left < Idle ? left : Idle));
    }

    private static CookieOptions Options(bool isSecure, TimeSpan? age) => new()
    {
        Path = ConsoleAddress.Api,
        HttpOnly = true,
        SameSite = SameSiteMode.Strict,
        Secure = isSecure,
        MaxAge = age,
    };

    /// <summary>
    /// Whether the browser uses TLS, be it only to a proxy in front. It can say so freely: if it is not true, it refuses the cookie itself.
    /// </summary>
    private static bool IsSecure(HttpRequest request) =>
        request.IsHttps || request.Headers.Origin.ToString().StartsWith("https://", StringComparison.OrdinalIgnoreCase);

    private static bool IsKey(ReadOnlySpan<char> text, Span<byte> key) =>
        text.Length == Base64Url.GetEncodedLength(KeyBytes) && Base64Url.IsValid(text)
        && Base64Url.TryDecodeFromChars(text, key, out var length) && length == KeyBytes;

    private static string Seal(ReadOnlySpan<byte> key, ConsoleSession session)
    {
        var plain = new byte[TimesBytes + Encoding.UTF8.GetByteCount(session.Token)];
        BinaryPrimitives.WriteInt64BigEndian(plain, session.Since.ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteInt64BigEndian(plain.AsSpan(sizeof(long)), session.SealedAt.ToUnixTimeMilliseconds());
        Encoding.UTF8.GetBytes(session.Token, plain.AsSpan(TimesBytes));
        var whole = new byte[NonceBytes + plain.Length + TagBytes];
        // A session seals a few hundred times at most, so random nonces do not repeat.
        RandomNumberGenerator.Fill(whole.AsSpan(0, NonceBytes));
        using var aes = new AesGcm(key, TagBytes);
        aes.Encrypt(whole.AsSpan(0, NonceBytes), plain, whole.AsSpan(NonceBytes, plain.Length), whole.AsSpan(NonceBytes + plain.Length), Format);
        CryptographicOperations.ZeroMemory(plain);
        return Base64Url.EncodeToString(whole);
    }

    private bool TryOpen(ReadOnlySpan<byte> key, string cookie, [NotNullWhen(true)] out ConsoleSession? session)
    {
        session = null;
        Span<byte> whole = stackalloc byte[MaxSealedBytes];
        if (cookie.Length > Base64Url.GetEncodedLength(MaxSealedBytes) || !Base64Url.IsValid(cookie)
            || !Base64Url.TryDecodeFromChars(cookie, whole, out var length) || length <= NonceBytes + TimesBytes + TagBytes)
        {
            return false;
        }

        Span<byte> plain = stackalloc byte[length - NonceBytes - TagBytes];
        using var aes = new AesGcm(key, TagBytes);
        try
        {
            aes.Decrypt(whole[..NonceBytes], whole[NonceBytes..(length - TagBytes)], whole[(length - TagBytes)..length], plain, Format);
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }

        // Whoever makes both halves of their own chooses the times, too. Those of another gateway may be a little ahead.
        var since = BinaryPrimitives.ReadInt64BigEndian(plain);
        var sealedAt = BinaryPrimitives.ReadInt64BigEndian(plain[sizeof(long)..]);
        var now = time.GetUtcNow();
        if (IsWithin(since, now, Longest) && IsWithin(sealedAt, now, Idle))
        {
            session = new(
                Encoding.UTF8.GetString(plain[TimesBytes..]), DateTimeOffset.FromUnixTimeMilliseconds(since), DateTimeOffset.FromUnixTimeMilliseconds(sealedAt));
        }

        CryptographicOperations.ZeroMemory(plain);
        return session is not null;
    }

    private static bool IsWithin(long milliseconds, DateTimeOffset now, TimeSpan age) =>
        milliseconds > (now - age).ToUnixTimeMilliseconds() && milliseconds <= (now + Idle).ToUnixTimeMilliseconds();
}
