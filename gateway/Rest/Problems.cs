using System.Text.Json.Serialization;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest;

/// <summary>An error as <c>application/problem+json</c> (RFC 9457).</summary>
internal sealed class Problem
{
    /// <summary>A URN that ends in the code.</summary>
    public required string Type { get; init; }

    /// <summary>What is wrong, the same for every error with this code.</summary>
    public required string Title { get; init; }

    /// <summary>The HTTP status.</summary>
    public required int Status { get; init; }

    /// <summary>What is wrong with this request.</summary>
    public required string Detail { get; init; }

    /// <summary>The stable code.</summary>
    public required string Code { get; init; }

    /// <summary>The id of the request, also in the header X-Request-Id and in the service's log.</summary>
    [JsonPropertyName("request_id")]
    public required string RequestId { get; init; }
}

/// <summary>Writes errors.</summary>
internal static class Problems
{
    private const string ContentType = "application/problem+json";

    /// <summary>Answers with an error.</summary>
    public static Task Write(RestExchange exchange, in Failure failure)
    {
        var error = failure.Error;
        var response = exchange.Http.Response;
        exchange.Code = error.Code;
        switch (error.Status)
        {
            case StatusCodes.Status401Unauthorized:
                response.Headers.WWWAuthenticate = Credentials.TakesPassword(exchange.Http.Request.Path)
                    ? "Basic realm=\"OrleansKms\", charset=\"UTF-8\""
                    : "Bearer realm=\"OrleansKms\"";
                break;
            case StatusCodes.Status408RequestTimeout:
                // The rest of the body is not read.
                response.Headers.Connection = "close";
                break;
            case StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable:
                response.Headers.RetryAfter = failure.RetryAfter.ToString(System.Globalization.CultureInfo.InvariantCulture);
                break;
        }

        var problem = new Problem
        {
            Type = "urn:orleans-kms:error:" + error.Code,
            Title = error.Title,
            Status = error.Status,
            Detail = failure.Detail,
            Code = error.Code,
            RequestId = exchange.RequestId,
        };
        return exchange.Write(error.Status, problem, RestJson.Default.Problem, ContentType);
    }

    /// <summary>
    /// The error for a status that routing or the host's own routes have set without a body, or null when that status has none.
    /// </summary>
    public static KmsError? OfStatus(int status) => status switch
    {
        StatusCodes.Status400BadRequest => KmsError.InvalidRequest,
        StatusCodes.Status401Unauthorized => KmsError.Unauthenticated,
        StatusCodes.Status403Forbidden => KmsError.PermissionDenied,
        StatusCodes.Status404NotFound => KmsError.NotFound,
        StatusCodes.Status405MethodNotAllowed => KmsError.MethodNotAllowed,
        StatusCodes.Status408RequestTimeout => KmsError.RequestTimeout,
        StatusCodes.Status413PayloadTooLarge => KmsError.PayloadTooLarge,
        StatusCodes.Status415UnsupportedMediaType => KmsError.UnsupportedMediaType,
        StatusCodes.Status500InternalServerError => KmsError.Internal,
        _ => null,
    };
}
