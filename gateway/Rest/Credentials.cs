using System.Text;
using OrleansKms.Gateway.Access;

namespace OrleansKms.Gateway.Rest;

/// <summary>
/// Reads a request's credentials: a bearer token (RFC 6750), and on the dashboard a Basic password (RFC 7617). The metrics token
/// counts only on <c>/metrics</c>; elsewhere it is no token at all, so no route can forget to refuse it.
/// </summary>
internal sealed class Credentials(IPrincipalSource source, MetricsToken? metrics = null)
{
    private const string BearerScheme = "Bearer ";
    private const string BasicScheme = "Basic ";
    private static readonly PathString _dashboard = "/dashboard";
    private static readonly PathString _metrics = "/metrics";

    /// <summary>Whether a browser may sign in here with a password.</summary>
    public static bool TakesPassword(PathString path) => path.StartsWithSegments(_dashboard);

    /// <summary>The request's principal, or null.</summary>
    public Principal? Find(HttpRequest request)
    {
        var header = request.Headers.Authorization;
        if (header.Count != 1 || header[0] is not { } text)
        {
            return null;
        }

        if (text.StartsWith(BearerScheme, StringComparison.OrdinalIgnoreCase))
        {
            var token = text.AsSpan(BearerScheme.Length).Trim(' ');
            return source.Find(token) ?? FindScraper(request.Path, token);
        }

        return text.StartsWith(BasicScheme, StringComparison.OrdinalIgnoreCase) && TakesPassword(request.Path)
            ? FindByPassword(text.AsSpan(BasicScheme.Length).Trim(' '))
            : null;
    }

    /// <summary>The bearer token of a request that signed in with one, as proof for silos; null if it has none.</summary>
    public static AdministratorProof? ProofOf(HttpRequest request) =>
        request.Headers.Authorization is [{ } text] && text.StartsWith(BearerScheme, StringComparison.OrdinalIgnoreCase)
            ? new(Encoding.UTF8.GetBytes(text[BearerScheme.Length..].Trim(' ')))
            : null;

    /// <summary>Whether the request has credentials whose validity is currently unknown.</summary>
    public bool CannotTell(HttpRequest request) => !source.IsReady && request.Headers.Authorization.Count > 0;

    private Principal? FindScraper(PathString path, ReadOnlySpan<char> token) =>
        metrics is not null && path.StartsWithSegments(_metrics) && metrics.Matches(token) ? Principal.Metrics : null;

    private Principal? FindByPassword(ReadOnlySpan<char> encoded)
    {
        Span<byte> bytes = stackalloc byte[1024];
        if (encoded.Length > bytes.Length || !Convert.TryFromBase64Chars(encoded, bytes, out var length))
        {
            return null;
        }

        Span<char> text = stackalloc char[1024];
        text = text[..Encoding.UTF8.GetChars(bytes[..length], text)];
        var colon = text.IndexOf(':');
        return colon < 0 ? null : source.Find(text[(colon + 1)..]);
    }
}
