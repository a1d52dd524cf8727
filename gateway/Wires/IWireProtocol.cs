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

    /// <summary>Whether a request is for the grains, so that it takes its place among those that are worked on at once.</summary>
    bool IsQueued(HttpRequest request) => true;

    /// <summary>Begins a request of this wire.</summary>
    Exchange Begin(HttpContext http);

    /// <summary>
    /// Who asks, as far as it shows before the body is read. A wire that must see the body says <see cref="SignIn.AfterBody"/>, and
    /// asks <see cref="Admission"/> itself once it has read it. It completes at once where what is asked for is known.
    /// </summary>
    ValueTask<SignIn> SignIn(Exchange exchange);

    /// <summary>
    /// Answers a request that was admitted. What goes wrong is thrown, and recorded by whoever catches it; a refusal that a wire tells
    /// itself, it has recorded first (<see cref="Call.Recorded"/>).
    /// </summary>
    /// <param name="exchange">The request.</param>
    /// <param name="next">The host's routes, for a wire that includes them.</param>
    Task Answer(Exchange exchange, RequestDelegate next);

    /// <summary>Writes an error; nothing of an answer was sent before.</summary>
    Task Tell(Exchange exchange, Failure failure);
}
