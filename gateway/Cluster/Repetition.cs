using Orleans.Runtime.Messaging;

namespace OrleansKms.Gateway.Cluster;

/// <summary>Which failed calls a gateway retries.</summary>
internal static class Repetition
{
    /// <summary>
    /// What a silo says of a call that it certainly did not begin: its ports are closed to calls, its placement or its sending
    /// has stopped, or the call was forwarded too often on its way to the grain. Orleans tells these apart by text alone.
    /// Everything else, even a plain "Silo unavailable", can be said of a call that ran.
    /// </summary>
    private static readonly (string Beginning, string End)[] _notBegun =
    [
        ("Silo stopping", ""),
        ("Silo '", "' is shutting down."),
        ("Message was queued for sending after outbound queue was stopped", ""),
        ("Forwarding failed: tried to forward message ", ""),
    ];

    /// <summary>Whether a call that failed like this is retried.</summary>
    /// <param name="failure">The exception of the call.</param>
    /// <param name="isDataPlane">Whether it is harmless to run the call twice.</param>
    public static bool IsWorthIt(Exception failure, bool isDataPlane) => failure switch
    {
        // The cluster asks for less load.
        GatewayTooBusyException or LimitExceededException => false,
        OrleansMessageRejectionException rejection => isDataPlane || WasNotBegun(rejection.Message),
        // The connection broke before an answer came, or none could be made; or the outcome is unknown.
        ConnectionFailedException or TimeoutException => isDataPlane,
        _ => false,
    };

    private static bool WasNotBegun(string reason)
    {
        var text = reason.AsSpan().TrimEnd();
        foreach (var (beginning, end) in _notBegun)
        {
            if (text.StartsWith(beginning, StringComparison.Ordinal) && text.EndsWith(end, StringComparison.Ordinal)) return true;
        }

        return false;
    }
}
