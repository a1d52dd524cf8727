using Microsoft.AspNetCore.Routing;
using OrleansKms.Gateway.Access;
using OrleansKms.Gateway.Rest;
using OrleansKms.Gateway.Wires;

namespace OrleansKms.Gateway.WebConsole;

/// <summary>
/// Begins and ends sessions. A browser signs in as any other client does, by <c>Authorization: Bearer</c>, so the front door has judged and
/// counted the attempt before this; the answer makes a session of it. No page of another site can send that header.
/// </summary>
internal static class SessionEndpoint
{
    /// <summary>Begins a session for whoever has signed in by a token.</summary>
    public static Task Begin(HttpContext http)
    {
        var exchange = RestExchange.Of(http);
        Check(http);
        // The front door has let in nobody else; this is the second lock.
        if (exchange.Principal is null) throw KmsError.Unauthenticated.Exception();
        if (Credentials.BearerOf(http.Request) is not { } token)
        {
            throw KmsError.InvalidRequest.Exception("A session begins with a bearer token in the header Authorization.");
        }

        var sessions = http.RequestServices.GetRequiredService<ConsoleSessions>();
        if (sessions.Begin(http, token) is not { } key)
        {
            throw KmsError.InvalidRequest.Exception(
                $"The token is longer than the {ConsoleSessions.MaxTokenBytes} bytes that a cookie has room for: sign in with an API token.");
        }

        var endsAt = exchange.Services.Time.GetUtcNow() + ConsoleSessions.Longest;
        return exchange.Answer(new SessionAnswer(key, endsAt.UtcDateTime, MaySeeDashboard(exchange)), ConsoleJson.Default.SessionAnswer);
    }

    /// <summary>Has the browser forget the cookie, without which the page's key is worth nothing.</summary>
    public static Task End(HttpContext http)
    {
        Check(http);
        ConsoleSessions.End(http);
        return RestExchange.Of(http).AnswerNothing();
    }

    private static void Check(HttpContext http)
    {
        if (Credentials.ComesFromAnotherSite(http.Request)) throw KmsError.PermissionDenied.Exception();
        if (http.Request.QueryString.HasValue) throw KmsError.InvalidRequest.Exception("This address accepts no query parameters.");
        if (RequestBody.IsThere(http)) throw KmsError.InvalidRequest.Exception("This address accepts no body.");
    }

    private static bool MaySeeDashboard(RestExchange exchange) =>
        exchange.Allows(KmsOperation.SeeDashboard, null)
        && exchange.Http.RequestServices.GetRequiredService<EndpointDataSource>().Endpoints
            .Any(endpoint => endpoint.Metadata.GetMetadata<KmsOperation>() == KmsOperation.SeeDashboard);
}
