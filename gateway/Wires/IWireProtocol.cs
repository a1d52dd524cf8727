using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Wires;

/// <summary>
/// One protocol by which callers reach the operations: how a request of it is known, how its caller signs in, how it is answered and
/// how errors are told. Everything else is the same for all wires: the front door, and the use-cases under it.
/// </summary>
/// <remarks>The wire that was registered last is asked first, so the one that takes all requests stands first.</remarks>
internal interface IWireProtocol
{
    /// <summary>Whether a request is of this wire.</summary>
    bool Takes(HttpRequest request);

    /// <summary>Whether a request is for the grains, so that it takes its place among those that are worked on at once.</summary>
    bool IsQueued(HttpRequest request) => true;

    /// <summary>Begins a request of this wire.</summary>
    Exchange Begin(HttpContext http);

    /// <summary>
    /// Who asks, as far as it shows before the body is read. A wire that must see the body says <see cref="SignIn.AfterBody"/>, and
    /// asks <see cref="Admission"/> itself once it has read it.
    /// </summary>
    SignIn SignIn(Exchange exchange);

    /// <summary>
    /// Answers a request that was admitted. What goes wrong is thrown, and recorded by whoever catches it; a refusal that a wire tells
    /// itself, it has recorded first (<see cref="Call.Recorded"/>).
    /// </summary>
    /// <param name="exchange">The request.</param>
    /// <param name="next">The host's routes, for a wire that has routes among them.</param>
    Task Answer(Exchange exchange, RequestDelegate next);

    /// <summary>Tells an error; nothing of an answer was sent before.</summary>
    Task Tell(Exchange exchange, Failure failure);
}
