using System.Reflection;
using Orleans.Runtime.Messaging;
using OrleansKms.Gateway.Cluster;

namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>Every way in which a call can fail on its way, and whether it is made again.</summary>
public sealed class RepetitionTests
{
    // What Orleans 10.4.2 says; each in the words and the type in which the client sees it.
    public static TheoryData<string, Exception, bool, bool> Failures => new()
    {
        // What it is                                          the exception                     data plane, control plane
        { "transient: the silo's ports are closed", Rejection("Silo stopping "), true, true },
        { "transient: the same with a cause", Rejection("Silo stopping System.Exception: x"), true, true },
        { "unrecoverable: placement has stopped", new SiloUnavailableException("Silo 'S127.0.0.1:11111:1' is shutting down."), true, true },
        { "unrecoverable: sending has stopped", Rejection("Message was queued for sending after outbound queue was stopped"), true, true },
        { "transient: handed on too often", Rejection("Forwarding failed: tried to forward message Request for 2 times after \"x\" to invalid activation. Rejecting now."), true, true },
        { "transient: a dead silo, or one whose connection broke", new SiloUnavailableException(), true, false },
        { "the target became unavailable", new SiloUnavailableException("The target silo became unavailable for message: x"), true, false },
        { "this process stops", new SiloUnavailableException("The local Orleans host is shutting down and can no longer process the request: x."), true, false },
        { "unrecoverable: no silo known", Rejection("No gateways available"), true, false },
        { "unrecoverable: not sent", Rejection("Unable to send message due to exception x"), true, false },
        { "transient: connection lost twice", Rejection("Client is rejecting message: x. Reason = Retry count exceeded. "), true, false },
        { "transient: another life of the silo", Rejection("The target silo is no longer active: target was x, but this silo is y. The rejected message is z."), true, false },
        { "cache invalidation", Rejection("OneWay message sent to invalid activation"), true, false },
        { "a message that only quotes the words", Rejection("x Silo stopping"), true, false },
        { "no information", Rejection("Unable to send request - no rejection info available"), true, false },
        { "no connection", new ConnectionFailedException("Unable to connect to x, will retry after 1000ms"), true, false },
        { "no answer", new TimeoutException("Response did not arrive on time"), true, false },
        { "gateway too busy", Made<GatewayTooBusyException>(), false, false },
        { "overloaded", Made<LimitExceededException>(), false, false },
        { "an answer of the grain", KmsError.StorageUnavailable.Exception(), false, false },
        { "a defect", new InvalidOperationException("Silo stopping"), false, false },
        { "stopped", new ObjectDisposedException("OutsideRuntimeClient"), false, false },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public void IsWorthIt(string what, Exception failure, bool dataPlane, bool controlPlane)
    {
        Assert.True(dataPlane == Repetition.IsWorthIt(failure, isDataPlane: true), what);
        Assert.True(controlPlane == Repetition.IsWorthIt(failure, isDataPlane: false), what);
    }

    // Orleans keeps some constructors to itself.
    private static OrleansMessageRejectionException Rejection(string reason) =>
        (OrleansMessageRejectionException)Activator.CreateInstance(
            typeof(OrleansMessageRejectionException), BindingFlags.Instance | BindingFlags.NonPublic, binder: null, [reason], culture: null)!;

    private static T Made<T>()
        where T : Exception => (T)System.Runtime.CompilerServices.RuntimeHelpers.GetUninitializedObject(typeof(T));
}
