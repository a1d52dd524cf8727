using System.Text;
using Microsoft.AspNetCore.Connections.Features;
using OrleansKms.Gateway.Access;
using OrleansKms.Gateway.Limits;

namespace OrleansKms.Gateway.Rest;

/// <summary>
/// Reads a request's credentials: a bearer token (RFC 6750), and on the dashboard a Basic password (RFC 7617), which is such a token.
/// Where clients are asked for certificates, one that a client has shown must be good, and a token beside it the same principal's: what
/// is shown is never passed over. A session of the console counts only where the console needs it. The token for metrics counts on <c>/metrics</c> alone; elsewhere it is no token at all, so no route can forget to refuse it.
/// </summary>
internal sealed class Credentials(
    BearerTokens tokens, FailedSignIns failed, MetricsToken? metrics = null, CertificateSignIn? certificates = null, ConsoleSessions? sessions = null)
{
    private const string BearerScheme = "Bearer ";
    private const string BasicScheme = "Basic ";
    private static readonly PathString _api = ConsoleAddress.Api;
    private static readonly PathString _dashboard = "/dashboard";
    private static readonly PathString _metrics = "/metrics";
    private static readonly Lookup _sessionEnded = Lookup.Because("The console's session has ended: sign in again.");

    /// <summary>Whether a browser may sign in here with a password.</summary>
    public static bool TakesPassword(PathString path) => path.StartsWithSegments(_dashboard);

    /// <summary>The request's principal, or why there is none. Completes synchronously for cached credentials.</summary>
    /// <param name="request">The request.</param>
    /// <param name="source">Where it came from.</param>
    public ValueTask<Lookup> Find(HttpRequest request, string source) =>
        certificates is not null && request.HttpContext.Features.Get<ClientCertificate>() is { } shown
            ? FindByCertificate(shown, request, source)
            : FindByHeader(request, source);

    private ValueTask<Lookup> FindByCertificate(ClientCertificate shown, HttpRequest request, string source)
    {
        if (certificates!.RefusalOf(shown) is { } refusal)
        {
            // Only another connection can show another one.
            request.HttpContext.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
            return new(Lookup.Because($"The client certificate {refusal}."));
        }

        // As with tokens, only what is not kept is asked for, unless others have failed too often from there.
        var kept = certificates.FindKept(shown) ?? (failed.Allows(source, out _) ? null : tokens.Unasked);
        return kept is not { } owner ? Ask()
            : owner.Principal is null ? new(owner)
            : With(owner, request, source);

        async ValueTask<Lookup> Ask()
        {
            var asked = await certificates.Ask(shown);
            return asked.Principal is null ? asked : await With(asked, request, source);
        }
    }

    private ValueTask<Lookup> With(Lookup owner, HttpRequest request, string source)
    {
        var header = FindByHeader(request, source);
        return header.IsCompletedSuccessfully ? new(Both(owner, header.Result, request)) : Late();

        async ValueTask<Lookup> Late() => Both(owner, await header, request);
    }

    private static Lookup Both(Lookup byCertificate, Lookup byHeader, HttpRequest request) => byHeader switch
    {
        { State: LookupState.Nothing } => IsOfAnotherSite(request)
            ? Lookup.Because("A client certificate does not sign in what a page of another site sends.")
            : byCertificate,
        // The token for metrics is nobody's: a scraper may need a certificate to connect at all.
        { Principal: { } principal } when principal != Principal.Metrics && principal.Name != byCertificate.Principal!.Name =>
            Lookup.Because("The client certificate and the token are of different principals: send one of them."),
        // The token can prove itself to a silo.
        _ => byHeader,
    };

    /// <summary>
    /// Whether a browser says that a page of another site makes the request, to which it would add the user's certificate by itself.
    /// What only reads is harmless: the page cannot see the answer.
    /// </summary>
    private static bool IsOfAnotherSite(HttpRequest request) =>
        !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method) && ComesFromAnotherSite(request);

    /// <summary>Whether a browser says that a page of another site makes the request, whatever it asks for.</summary>
    public static bool ComesFromAnotherSite(HttpRequest request)
    {
        var site = request.Headers["Sec-Fetch-Site"];
        if (site.Count > 0) return site.Count != 1 || site[0] is not ("same-origin" or "none");
        var origin = request.Headers.Origin;
        return origin.Count > 0 && (origin.Count != 1 || origin[0] != $"{request.Scheme}://{request.Host.Value}");
    }

    private ValueTask<Lookup> FindByHeader(HttpRequest request, string source)
    {
        var header = request.Headers.Authorization;
        if (header.Count == 0 || (header.Count == 1 && string.IsNullOrEmpty(header[0]))) return new(Lookup.Nothing);
        if (header.Count != 1 || header[0] is not { } text) return new(Lookup.Nobody);
        if (text.StartsWith(BearerScheme, StringComparison.OrdinalIgnoreCase))
        {
            var token = text.AsSpan(BearerScheme.Length).Trim(' ');
            return IsScraper(request.Path, token) ? new(Lookup.Of(Principal.Metrics)) : Find(token, source);
        }

        if (text.StartsWith(ConsoleSessions.Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return sessions is null ? new(Lookup.Nobody) : FindBySession(sessions, request, text[ConsoleSessions.Scheme.Length..], source);
        }

        return text.StartsWith(BasicScheme, StringComparison.OrdinalIgnoreCase) && TakesPassword(request.Path)
            ? FindByPassword(text.AsSpan(BasicScheme.Length).Trim(' '), source)
            : new(Lookup.Nobody);
    }

    /// <summary>
    /// Signs in by the token in a session of the console, as if the request had that token. Only where the console needs it, and only what
    /// a page of this site has sent: its cookie comes by itself, but the key to it does not.
    /// </summary>
    private ValueTask<Lookup> FindBySession(ConsoleSessions sessions, HttpRequest request, string key, string source)
    {
        if (!request.Path.StartsWithSegments(_api) || ComesFromAnotherSite(request) || Bodies.IsOctets(request)) return new(Lookup.Nobody);
        if (sessions.Open(request, key) is not { } session) return new(_sessionEnded);
        request.HttpContext.Features.Set(session);
        var lookup = Find(session.Token, source);
        return lookup.IsCompletedSuccessfully ? new(Judged(lookup.Result)) : Late();

        async ValueTask<Lookup> Late() => Judged(await lookup);

        Lookup Judged(Lookup found)
        {
            if (found.State == LookupState.Nobody) return _sessionEnded;
            if (found.Principal is not null) sessions.Prolong(request.HttpContext, session, key);
            return found;
        }
    }

    /// <summary>The bearer token of a request; null if it has none.</summary>
    public static string? BearerOf(HttpRequest request) =>
        request.Headers.Authorization is [{ } text] && text.StartsWith(BearerScheme, StringComparison.OrdinalIgnoreCase)
            ? text[BearerScheme.Length..].Trim(' ')
            : null;

    /// <summary>The token of a request that signed in with one, as proof for silos; null if it has none.</summary>
    public static AdministratorProof? ProofOf(HttpRequest request) =>
        (BearerOf(request) ?? request.HttpContext.Features.Get<ConsoleSession>()?.Token) is { } token ? new(Encoding.UTF8.GetBytes(token)) : null;

    // Only a credential that is not cached may be a guess, so only then does the number of failures from the address count.
    private ValueTask<Lookup> Find(ReadOnlySpan<char> token, string source) =>
        tokens.FindKept(token) is { } kept ? new(kept)
        : failed.Allows(source, out _) ? new(tokens.Ask(token))
        : new(tokens.Unasked);

    private bool IsScraper(PathString path, ReadOnlySpan<char> token) =>
        metrics is not null && path.StartsWithSegments(_metrics) && metrics.Matches(token);

    private ValueTask<Lookup> FindByPassword(ReadOnlySpan<char> encoded, string source)
    {
        Span<byte> bytes = stackalloc byte[1024];
        if (encoded.Length > bytes.Length || !Convert.TryFromBase64Chars(encoded, bytes, out var length))
        {
            return new(Lookup.Nobody);
        }

        Span<char> text = stackalloc char[1024];
        text = text[..Encoding.UTF8.GetChars(bytes[..length], text)];
        var colon = text.IndexOf(':');
        return colon < 0 ? new(Lookup.Nobody) : Find(text[(colon + 1)..], source);
    }
}
