using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operation;
using OrleansKms.Gateway.Security;

namespace OrleansKms.Gateway.Http;

/// <summary>
/// What every request passes, in one step because each layer costs: request id, sign-in, rate limit, security headers, the
/// one place where exceptions become problems, and the log line. It stands before routing, so that without credentials even
/// the question of which addresses exist is answered 401, and no body is read.
/// </summary>
internal sealed class FrontDoor(
    RequestDelegate next, GatewayServices services, Credentials credentials, RequestRate rate, ILogger<FrontDoor> log)
{
    private static readonly PathString _health = "/health";
    private static readonly PathString _openApi = "/openapi";
    private static readonly PathString _docs = "/docs";

    /// <summary>Takes one request through.</summary>
    public async Task Invoke(HttpContext http)
    {
        var exchange = new Exchange(http, services);
        http.Features.Set(exchange);
        if (services.Link.IsRemote) Exchange.Current = exchange;
        var headers = http.Response.Headers;
        headers[RequestId.Header] = exchange.RequestId;
        headers.CacheControl = "no-store";
        headers.XContentTypeOptions = "nosniff";
        try
        {
            if (services.Options.MetricsListener && !MetricsConnection.Serves(http))
            {
                await Problems.Write(exchange, KmsError.NotFound);
            }
            else if (Admits(exchange, out var error, out var retryAfter))
            {
                await next(http);
                await AnswerBareStatus(exchange);
            }
            else
            {
                await Problems.Write(exchange, error, retryAfter: retryAfter);
            }
        }
        catch (Exception e)
        {
            await Fail(exchange, e);
        }
        finally
        {
            exchange.LetGo();
        }

        RequestLog.Write(log, exchange);
    }

    private bool Admits(Exchange exchange, out KmsError error, out int retryAfter)
    {
        var http = exchange.Http;
        error = KmsError.RateLimited;
        exchange.Principal = credentials.Find(http.Request);
        var isOpen = IsOpen(http.Request.Path);
        if (exchange.Principal is null && !isOpen)
        {
            if (credentials.CannotTell(http.Request))
            {
                error = KmsError.Unavailable;
                retryAfter = 1;
                return false;
            }

            // Who may sign in can have become known since the first look.
            exchange.Principal = credentials.Find(http.Request);
        }

        if (exchange.Principal is { } principal)
        {
            http.User = principal.Claims;
            return rate.Allows(principal.Name, out retryAfter);
        }

        retryAfter = 1;
        if (isOpen)
        {
            return true;
        }

        if (rate.AllowsFailure(Exchange.Source(http), out retryAfter))
        {
            error = KmsError.Unauthenticated;
        }

        return false;
    }

    private static bool IsOpen(PathString path) =>
        path.StartsWithSegments(_health) || path.StartsWithSegments(_openApi) || path.StartsWithSegments(_docs);

    // Routing, and routes of the host, set a status and leave the body to others.
    private static Task AnswerBareStatus(Exchange exchange)
    {
        var response = exchange.Http.Response;
        return response.StatusCode >= 400 && !response.HasStarted && exchange.Code is null && response.ContentLength is null
            && Problems.OfStatus(response.StatusCode) is { } error
            ? Problems.Write(exchange, error)
            : Task.CompletedTask;
    }

    private async Task Fail(Exchange exchange, Exception exception)
    {
        var failure = Failure.Of(exception);
        if (exchange.Http.RequestAborted.IsCancellationRequested)
        {
            // The client has gone; what it would have been told is still worth the log line.
            exchange.Code = failure.Error.Code;
            return;
        }

        if (failure.IsDefect)
        {
            RequestLog.Defect(log, exchange.RequestId, exchange.Route?.Pattern, exception);
        }

        if (exchange.Http.Response.HasStarted)
        {
            exchange.Code = failure.Error.Code;
            exchange.Http.Abort();
            return;
        }

        await Problems.Write(exchange, failure.Error, failure.Detail);
    }
}
