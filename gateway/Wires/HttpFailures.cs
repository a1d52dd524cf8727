using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Wires;

/// <summary>What an exception is to a caller, those of the web server included.</summary>
internal static class HttpFailures
{
    /// <summary>Finds the failure of an exception.</summary>
    public static Failure Of(Exception exception) => exception switch
    {
        BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout } => Failure.Of(KmsError.RequestTimeout),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => Failure.Of(KmsError.PayloadTooLarge),
        BadHttpRequestException => Failure.Of(KmsError.InvalidRequest),
        _ => Failure.Of(exception),
    };
}
