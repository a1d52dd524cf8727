using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Wires;

/// <summary>
/// A protocol by which callers reach the operations: how its requests are recognised, how callers sign in, and how answers and
/// errors are written. Everything else is the same for all wires: the front door, and the use-cases underneath.
/// </summary>
/// <remarks>The wire registered last is asked first, so the one that takes all requests is registered first.</remarks>
internal interface IWireProtocol
{
    /// <summary>Whether a request belongs to this wire.</summary>
    bool Takes(HttpRequest request);

    /// <summary>Whether a request is for the grains, so that it counts as one of the concurrent requests.</summary>
    bool IsQueued(HttpRequest request) => true;

    /// <summary>Begins a request of this wire.</summary>
    Exchange Begin(HttpContext http);

    /// <summary>
    /// Authenticates the caller, as far as possible before the body is read. A wire that needs the body returns
    /// <see cref="SignIn.AfterBody"/>, and calls <see cref="Admission"/> itself once it has read it. Completes synchronously for cached
    /// credentials.
    /// </summary>
    ValueTask<SignIn> SignIn(Exchange exchange);

    /// <summary>
    /// Answers an admitted request. It throws failures, and the caller records them; a wire that writes a refusal itself records it first
    /// (<see cref="Call.Recorded"/>).
    /// </summary>
    /// <param name="exchange">The request.</param>
    /// <param name="next">The host's routes, for a wire that includes them.</param>
    Task Answer(Exchange exchange, RequestDelegate next);

    /// <summary>Writes an error; nothing of an answer was sent before.</summary>
    Task Tell(Exchange exchange, Failure failure);
}
