using OrleansKms.Gateway.Cluster;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Wires;

/// <summary>
/// What every request passes, in one step because each layer costs: request id, the queue, sign-in, rate limit, security headers,
/// the one place where exceptions become errors of the request's wire, and the log line. It comes before routing, so that without
/// credentials not even the existence of an address is revealed, and no body is read unless the wire signs by it.
/// </summary>
internal sealed class FrontDoor(
    RequestDelegate next, OperationServices services, Admission admission, IEnumerable<IWireProtocol> wires, ILoggerFactory loggers)
{
    // In requests' log lines since the first release.
    private const string Category = "OrleansKms.Gateway.Http.FrontDoor";

    private readonly IWireProtocol[] _wires = [.. wires.Reverse()];
    private readonly ILogger _log = loggers.CreateLogger(Category);

    /// <summary>Takes one request through.</summary>
    public async Task Invoke(HttpContext http)
    {
        var wire = WireOf(http.Request);
        var exchange = wire.Begin(http);
        http.Features.Set(exchange);
        // What is not for the grains are probes and pages.
        var trace = RequestTrace.IsOn && wire.IsQueued(http.Request) ? RequestTrace.Begin(http.Request) : null;
        exchange.Trace = trace;
        if (services.Link.IsRemote) RequestTime.Current = exchange;
        var headers = http.Response.Headers;
        headers[RequestId.Header] = exchange.RequestId;
        headers.CacheControl = "no-store";
        headers.XContentTypeOptions = "nosniff";
        try
        {
            if (wire.IsQueued(http.Request) && !await exchange.TakePlace())
            {
                // Of these there can be any number, and nothing of them was looked at: they are counted and not recorded.
                await wire.Tell(exchange, Failure.Of(KmsError.Overloaded));
            }
            else if (Refuses(exchange, await wire.SignIn(exchange), out var pause) is { } failure)
            {
                if (pause > TimeSpan.Zero)
                {
                    // Guessers must not use up the slots of legitimate callers.
                    exchange.LeavePlace(wasAnswered: false);
                    await Task.Delay(pause, services.Time, http.RequestAborted);
                }

                await wire.Tell(exchange, await Recorded(exchange, failure));
            }
            else
            {
                await wire.Answer(exchange, next);
            }
        }
        catch (Exception e)
        {
            await Fail(wire, exchange, e);
        }
        finally
        {
            exchange.LeavePlace(wasAnswered: exchange.Code is null);
            exchange.LetGo();
        }

        if (exchange.Code is { } code) FailedRequests.Count(code);
        RequestLog.Write(_log, exchange);
        RequestTrace.End(trace, exchange);
    }

    private IWireProtocol WireOf(HttpRequest request)
    {
        foreach (var wire in _wires)
        {
            if (wire.Takes(request)) return wire;
        }

        throw new InvalidOperationException("Internal error: no wire takes the request.");
    }

    private Failure? Refuses(Exchange exchange, SignIn signIn, out TimeSpan pause)
    {
        pause = TimeSpan.Zero;
        return services.Options.MetricsListener && !MetricsConnection.Serves(exchange.Http)
            ? Failure.Of(KmsError.NotFound)
            : admission.Refuses(exchange, signIn, out pause);
    }

    // A request for an unknown address has no operation. Before the address is known, the refused operation is the sign-in.
    private static ValueTask<Failure> Recorded(Exchange exchange, Failure failure) =>
        exchange.Operation is null && failure.Error == KmsError.NotFound
            ? new(failure)
            : exchange.Recorded(failure, exchange.Operation ?? KmsOperation.SignIn, exchange.KeyId);

    private async Task Fail(IWireProtocol wire, Exchange exchange, Exception exception)
    {
        var failure = HttpFailures.Of(exception);
        if (failure.IsDefect)
        {
            RequestLog.Defect(_log, exchange.RequestId, exchange.Label, exception);
        }

        // Of somebody who has gone, too: what was refused was tried.
        if (exception is not KmsException { IsRecorded: true })
        {
            failure = await Recorded(exchange, failure);
        }

        if (exchange.Http.RequestAborted.IsCancellationRequested)
        {
            // The client has gone; the error is still worth the log line.
            exchange.Code = failure.Error.Code;
            return;
        }

        if (exchange.Http.Response.HasStarted)
        {
            exchange.Code = failure.Error.Code;
            exchange.Http.Abort();
            return;
        }

        await wire.Tell(exchange, failure);
    }
}
