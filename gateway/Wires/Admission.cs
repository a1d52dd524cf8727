using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Wires;

/// <summary>Lets in who has signed in, at the rate that the operator allows; failed sign-ins count by the address they came from.</summary>
internal sealed class Admission(RequestRate rate, FailedSignIns failed)
{
    /// <summary>Sets the request's principal; returns why the request is refused, or null.</summary>
    public Failure? Refuses(Exchange exchange, SignIn signIn) => Refuses(exchange, signIn, out _);

    /// <inheritdoc cref="Refuses(Exchange, SignIn)"/>
    /// <param name="exchange">The request.</param>
    /// <param name="signIn">Who asks.</param>
    /// <param name="pause">How long a refusal is held back, so that guessing takes time.</param>
    public Failure? Refuses(Exchange exchange, SignIn signIn, out TimeSpan pause)
    {
        pause = TimeSpan.Zero;
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
            case { State: SignInState.Absent }:
                return Failed(exchange, null);
            default:
                if (!failed.Allows(exchange.Source, out var after)) return Failure.Of(KmsError.RateLimited, after);
                pause = failed.Note(exchange.Source);
                return Failed(exchange, signIn.Why);
        }
    }

    private Failure Failed(Exchange exchange, string? why) => rate.AllowsFailure(exchange.Source, out var wait)
        ? new(KmsError.Unauthenticated, why ?? KmsError.Unauthenticated.Title)
        : Failure.Of(KmsError.RateLimited, wait);
}
