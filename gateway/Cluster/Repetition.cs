using Orleans.Runtime.Messaging;

namespace OrleansKms.Gateway.Cluster;

/// <summary>Which failed calls a gateway makes again.</summary>
internal static class Repetition
{
    /// <summary>
    /// What a silo says of a call that it did not begin, with nothing of its own behind it: its ports are closed to calls, its
    /// placement or its sending has stopped, or the call was handed on too often on its way to the grain. Orleans tells these
    /// apart by text alone. Everything else, a plain "Silo unavailable" included, can be said of a call that ran.
    /// </summary>
    private static readonly (string Beginning, string End)[] _notBegun =
    [
        ("Silo stopping", ""),
        ("Silo '", "' is shutting down."),
        ("Message was queued for sending after outbound queue was stopped", ""),
        ("Forwarding failed: tried to forward message ", ""),
    ];

    /// <summary>Whether a call that failed like this is to be made again.</summary>
    /// <param name="failure">What the call threw.</param>
    /// <param name="isDataPlane">Whether the call does no harm when it runs twice.</param>
    public static bool IsWorthIt(Exception failure, bool isDataPlane) => failure switch
    {
        // The cluster asks for less.
        GatewayTooBusyException or LimitExceededException => false,
        OrleansMessageRejectionException rejection => isDataPlane || WasNotBegun(rejection.Message),
        // The connection broke before an answer came, or none was to be had; or the outcome is unknown.
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
