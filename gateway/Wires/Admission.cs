using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Wires;

/// <summary>Admits signed-in callers at the operator's rate; failed sign-ins count against their address.</summary>
internal sealed class Admission(RequestRate rate)
{
    /// <summary>Records the caller, and returns why the request goes no further, or null.</summary>
    public Failure? Refuses(Exchange exchange, SignIn signIn)
    {
        switch (signIn)
        {
            case { Principal: { } principal }:
                exchange.Principal = principal;
                exchange.Http.User = principal.Claims;
                return rate.Allows(principal.Name, out var wait) ? null : Failure.Of(KmsError.RateLimited, wait);
            case { State: SignInState.Open or SignInState.AfterBody }:
                return null;
            case { State: SignInState.Unknown }:
                return Failure.Of(KmsError.Unavailable);
            default:
                return rate.AllowsFailure(exchange.Source, out var pause)
                    ? Failure.Of(KmsError.Unauthenticated)
                    : Failure.Of(KmsError.RateLimited, pause);
        }
    }
}
