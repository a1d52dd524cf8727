using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using OrleansKms.Gateway.Wires;

namespace OrleansKms.Gateway.Rest;

/// <summary>
/// Passes the principal that the front door has authenticated to ASP.NET Core's authorization, for routes of the host such as the
/// dashboard. It checks nothing itself: a request without valid credentials does not come this far. The front door writes its refusals.
/// </summary>
internal sealed class PrincipalHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string Bearer = "Bearer";
    public const string Basic = "Basic";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync() =>
        Task.FromResult(Exchange.Of(Context).Principal is { } principal
            ? AuthenticateResult.Success(new AuthenticationTicket(principal.Claims, Scheme.Name))
            : AuthenticateResult.NoResult());

    protected override Task HandleChallengeAsync(AuthenticationProperties properties) =>
        throw KmsError.Unauthenticated.Exception();

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        throw KmsError.PermissionDenied.Exception();
}
