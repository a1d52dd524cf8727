using Orleans.Runtime.Messaging;

namespace OrleansKms.Gateway.Operations;

/// <summary>
/// What an exception means to the caller. Only texts of our own leave: an unexpected exception's message never does.
/// </summary>
/// <param name="Error">The error.</param>
/// <param name="Detail">A text for the caller.</param>
/// <param name="IsDefect">Whether it is unexpected, and belongs in the log.</param>
/// <param name="RetryAfter">Whole seconds until a retry makes sense, if it does.</param>
internal readonly record struct Failure(KmsError Error, string Detail, bool IsDefect = false, int RetryAfter = 1)
{
    /// <summary>The pending approval, if the operation was not done because it needs one; a wire must not report it as a success.</summary>
    public ApprovalDescription? Approval { get; private init; }

    /// <summary>Finds the error of an exception.</summary>
    public static Failure Of(Exception exception) => exception switch
    {
        // An unknown code comes from a newer silo: its text is still meant for callers.
        KmsException kms => new(kms.Error, kms.Message, kms.Error == KmsError.Internal, Seconds(kms.RetryAfter)) { Approval = kms.Approval },
        TimeoutException => Of(KmsError.Timeout),
        GatewayTooBusyException or LimitExceededException => Of(KmsError.Overloaded),
        SiloUnavailableException or OrleansMessageRejectionException or ConnectionFailedException or ClientNotAvailableException
            => Of(KmsError.Unavailable),
        _ => new(KmsError.Internal, KmsError.Internal.Title, IsDefect: true),
    };

    /// <summary>Whole seconds, rounded up.</summary>
    private static int Seconds(TimeSpan? wait) => wait is { } time ? Math.Max(1, (int)Math.Ceiling(time.TotalSeconds)) : 1;

    /// <summary>The failure of an error, in its own words.</summary>
    public static Failure Of(KmsError error, int retryAfter = 1) => new(error, error.Title, RetryAfter: retryAfter);
}
