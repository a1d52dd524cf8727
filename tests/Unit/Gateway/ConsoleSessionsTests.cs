using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Gateway.Access;

namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>The two halves of a console session, and how long they last.</summary>
public sealed class ConsoleSessionsTests
{
    private const string Token = "okms_0123456789abcdef_token";

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(56));
    private readonly ConsoleSessions _sessions;

    public ConsoleSessionsTests() => _sessions = new(_time);

    [Fact]
    public void Session_OpensByBothHalves_AndByNoOther()
    {
        var (key, cookie) = Begin();
        var (otherKey, otherCookie) = Begin();
        Assert.Equal(Token, Open(key, cookie)?.Token);
        Assert.Null(Open(otherKey, cookie));
        Assert.Null(Open(key, otherCookie));
        Assert.Null(_sessions.Open(new DefaultHttpContext().Request, key));
        foreach (var wrong in (string[])["", "x", key[..^1], key + "A", new string('A', key.Length), new string('!', key.Length)]) Assert.Null(Open(wrong, cookie));
        foreach (var wrong in (string[])["", "x", cookie[..^1], cookie + "AAAA", new string('A', 5000), cookie[..40]]) Assert.Null(Open(key, wrong));
        for (var i = 0; i < cookie.Length; i += 7)
        {
            Assert.Null(Open(key, cookie[..i] + (cookie[i] == 'A' ? 'B' : 'A') + cookie[(i + 1)..]));
        }
    }

    [Fact]
    public void Cookie_DoesNotHoldTheToken_AndIsAnotherEachTime()
    {
        var (_, cookie) = Begin();
        Assert.DoesNotContain("okms_", cookie, StringComparison.Ordinal);
        Assert.DoesNotContain("okms_", System.Text.Encoding.Latin1.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(cookie)), StringComparison.Ordinal);
        Assert.NotEqual(cookie, Begin().Cookie);
    }

    /// <summary>Anybody can seal a cookie with a key of their own. It signs in by the token in it at most, and for no longer than another.</summary>
    [Theory]
    [InlineData(0L, 0L, true)]
    [InlineData(long.MaxValue, long.MaxValue, false)]
    [InlineData(long.MinValue, long.MinValue, false)]
    [InlineData(0L, long.MaxValue, false)]
    [InlineData(0L, long.MinValue, false)]
    [InlineData(31 * 60_000L, 0L, false)]
    [InlineData(0L, 31 * 60_000L, false)]
    [InlineData(0L, -30 * 60_000L, false)]
    public void Session_ThatSomebodyMade_HasTimesThatCanBe(long since, long sealedAt, bool opens)
    {
        var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        var plain = new byte[(2 * sizeof(long)) + Token.Length];
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(plain, unchecked(now + since));
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(plain.AsSpan(sizeof(long)), unchecked(now + sealedAt));
        System.Text.Encoding.ASCII.GetBytes(Token, plain.AsSpan(2 * sizeof(long)));
        var (key, whole) = (new byte[32], new byte[12 + plain.Length + 16]);
        using var aes = new System.Security.Cryptography.AesGcm(key, 16);
        aes.Encrypt(whole.AsSpan(0, 12), plain, whole.AsSpan(12, plain.Length), whole.AsSpan(12 + plain.Length), "okms console session 1"u8);
        var session = Open(System.Buffers.Text.Base64Url.EncodeToString(key), System.Buffers.Text.Base64Url.EncodeToString(whole));
        Assert.Equal(opens ? Token : null, session?.Token);
    }

    [Fact]
    public void Session_EndsWhenItIsNotUsed()
    {
        var (key, cookie) = Begin();
        _time.Advance(ConsoleSessions.Idle - TimeSpan.FromSeconds(1));
        Assert.NotNull(Open(key, cookie));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(Open(key, cookie));
    }

    [Fact]
    public void Session_ThatIsUsed_IsProlonged_UntilItsBound()
    {
        var (key, cookie) = Begin();
        var end = _time.GetUtcNow() + ConsoleSessions.Longest;
        Assert.Null(Prolong(key, cookie));
        while (_time.GetUtcNow() + TimeSpan.FromMinutes(20) < end)
        {
            _time.Advance(TimeSpan.FromMinutes(20));
            cookie = Prolong(key, cookie) ?? throw new InvalidOperationException("It was not prolonged.");
        }

        _time.SetUtcNow(end - TimeSpan.FromSeconds(1));
        Assert.Equal(Token, Open(key, cookie)?.Token);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(Open(key, cookie));
    }

    [Fact]
    public void Cookie_NeverOutlivesTheBound()
    {
        var (key, cookie) = Begin();
        for (var i = 0; i < 23; i++)
        {
            _time.Advance(TimeSpan.FromMinutes(20));
            cookie = Prolong(key, cookie)!;
        }

        _time.Advance(TimeSpan.FromMinutes(10));
        var http = Request(cookie);
        _sessions.Prolong(http, _sessions.Open(http.Request, key)!, key);
        Assert.Contains("max-age=600;", http.Response.Headers.SetCookie.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http", null, "okms-console", false)]
    [InlineData("http", "http://kms.example", "okms-console", false)]
    [InlineData("https", null, "__Secure-okms-console", true)]
    // A proxy in front ends TLS.
    [InlineData("http", "https://kms.example", "__Secure-okms-console", true)]
    public void Cookie_IsSecure_WhereTheBrowserUsesTls(string scheme, string? origin, string name, bool secure)
    {
        var http = new DefaultHttpContext { Request = { Scheme = scheme } };
        if (origin is not null) http.Request.Headers.Origin = origin;
        Assert.NotNull(_sessions.Begin(http, Token));
        var cookie = http.Response.Headers.SetCookie.ToString();
        Assert.StartsWith(name + "=", cookie, StringComparison.Ordinal);
        Assert.Equal(
            ["httponly", "max-age=1800", "path=/v1", "samesite=strict", .. secure ? ["secure"] : Array.Empty<string>()],
            cookie.Split("; ")[1..].Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Session_BehindAProxyThatEndsTls_KeepsItsSecureCookie()
    {
        var http = new DefaultHttpContext { Request = { Scheme = "http" } };
        http.Request.Headers.Origin = "https://kms.example";
        var key = _sessions.Begin(http, Token)!;
        for (var i = 0; i < 3; i++)
        {
            var cookie = http.Response.Headers.SetCookie.ToString().Split(';')[0];
            Assert.StartsWith("__Secure-okms-console=", cookie, StringComparison.Ordinal);
            _time.Advance(TimeSpan.FromMinutes(2));
            // As a browser asks for a page: without an Origin.
            http = new DefaultHttpContext { Request = { Scheme = "http" } };
            http.Request.Headers.Cookie = cookie;
            _sessions.Prolong(http, _sessions.Open(http.Request, key)!, key);
            Assert.Contains("; secure", http.Response.Headers.SetCookie.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Token_ThatIsTooLongForACookie_IsRefused()
    {
        var http = new DefaultHttpContext();
        Assert.NotNull(_sessions.Begin(http, new string('a', ConsoleSessions.MaxTokenBytes)));
        Assert.InRange(http.Response.Headers.SetCookie.ToString().Length, 1, 4096);
        Assert.Null(_sessions.Begin(http, new string('a', ConsoleSessions.MaxTokenBytes + 1)));
    }

    [Fact]
    public void Session_DoesNotPrintItsToken() => Assert.DoesNotContain(Token, new ConsoleSession(Token, default, default).ToString(), StringComparison.Ordinal);

    private static DefaultHttpContext Request(string cookie)
    {
        var http = new DefaultHttpContext();
        http.Request.Headers.Cookie = "okms-console=" + cookie;
        return http;
    }

    private static string? CookieOf(HttpContext http) => http.Response.Headers.SetCookie is [{ } text] ? text.Split(';')[0]["okms-console=".Length..] : null;

    private (string Key, string Cookie) Begin()
    {
        var http = new DefaultHttpContext();
        var key = _sessions.Begin(http, Token);
        return (key!, CookieOf(http)!);
    }

    private ConsoleSession? Open(string key, string cookie) => _sessions.Open(Request(cookie).Request, key);

    private string? Prolong(string key, string cookie)
    {
        var http = Request(cookie);
        _sessions.Prolong(http, _sessions.Open(http.Request, key)!, key);
        return CookieOf(http);
    }
}
