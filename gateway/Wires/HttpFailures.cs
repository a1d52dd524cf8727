using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Wires;

/// <summary>What an exception means to a caller, including those of the web server.</summary>
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
