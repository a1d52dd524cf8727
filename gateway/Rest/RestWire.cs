using OrleansKms.Gateway.Access;
using OrleansKms.Gateway.Operations;
using OrleansKms.Gateway.Rest.Approvals;
using OrleansKms.Gateway.Wires;

namespace OrleansKms.Gateway.Rest;

/// <summary>
/// The service's own HTTP API. It takes every request that no other wire does, including those of the host's own routes, and
/// signs in by a header before anything else is checked.
/// </summary>
internal sealed class RestWire(RestServices services, Credentials credentials) : IWireProtocol
{
    private static readonly PathString _health = "/health";
    private static readonly PathString _openApi = "/openapi";
    private static readonly PathString _docs = "/docs";

    /// <inheritdoc/>
    public bool Takes(HttpRequest request) => true;

    /// <inheritdoc/>
    public bool IsQueued(HttpRequest request) => !IsOpen(request) && !IsToConsole(request) && !MetricsConnection.IsMetrics(request.Path) && !Credentials.TakesPassword(request.Path);

    /// <inheritdoc/>
    public Exchange Begin(HttpContext http) => new RestExchange(http, services);

    /// <inheritdoc/>
    public ValueTask<SignIn> SignIn(Exchange exchange)
    {
        var request = exchange.Http.Request;
        var lookup = credentials.Find(request, exchange.Source);
        return lookup.IsCompletedSuccessfully ? new(Of(lookup.Result, request)) : Late(lookup, request);

        async ValueTask<SignIn> Late(ValueTask<Lookup> lookup, HttpRequest request) => Of(await lookup, request);
    }

    private SignIn Of(Lookup lookup, HttpRequest request) => lookup switch
    {
        { Principal: { } principal } => Wires.SignIn.As(principal),
        _ when IsOpen(request) || IsToConsole(request) => Wires.SignIn.Open,
        { State: LookupState.CannotTell } => Wires.SignIn.Unknown,
        { State: LookupState.Refused } => Wires.SignIn.Refused,
        { State: LookupState.Nothing } => Wires.SignIn.Absent,
        _ => Wires.SignIn.Nobody with { Why = lookup.Why },
    };

    /// <inheritdoc/>
    public async Task Answer(Exchange exchange, RequestDelegate next)
    {
        if (IsToConsole(exchange.Http.Request))
        {
            exchange.Http.Response.Headers.Vary = "Accept";
            exchange.Http.Response.Redirect(ConsoleAddress.Page);
            return;
        }

        await next(exchange.Http);
        await AnswerBareStatus((RestExchange)exchange);
    }

    /// <inheritdoc/>
    public Task Tell(Exchange exchange, Failure failure) => failure.Approval is { } approval
        ? TellPending((RestExchange)exchange, approval)
        : Problems.Write((RestExchange)exchange, failure);

    private static Task TellPending(RestExchange exchange, ApprovalDescription approval)
    {
        exchange.Code = KmsError.ApprovalPending.Code;
        exchange.Http.Response.Headers.Location = "/v1/approvals/" + approval.Id;
        return exchange.Answer(ApprovalAnswer.Of(approval), RestJson.Default.ApprovalAnswer, StatusCodes.Status202Accepted);
    }

    private bool IsOpen(HttpRequest request) =>
        request.Path.StartsWithSegments(_health) || request.Path.StartsWithSegments(_openApi) || request.Path.StartsWithSegments(_docs)
        || (HasConsole && ConsoleAddress.IsOpen(request));

    private bool IsToConsole(HttpRequest request) => HasConsole && ConsoleAddress.IsBrowserAtRoot(request);

    private bool HasConsole => services.Operations.Options.Console;

    // Routing, and routes of the host, set a status and leave the body to others.
    private static Task AnswerBareStatus(RestExchange exchange)
    {
        var response = exchange.Http.Response;
        return response.StatusCode >= 400 && !response.HasStarted && exchange.Code is null && response.ContentLength is null
            && Problems.OfStatus(response.StatusCode) is { } error
            ? Problems.Write(exchange, Failure.Of(error))
            : Task.CompletedTask;
    }
}
