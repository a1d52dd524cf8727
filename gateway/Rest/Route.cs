using OrleansKms.Gateway.Operations;
using OrleansKms.Gateway.Rest.Cryptography;

namespace OrleansKms.Gateway.Rest;

/// <summary>One row of the route table: the address, its handler, and what the OpenAPI document says about it.</summary>
/// <param name="Method">The HTTP method.</param>
/// <param name="Pattern">The address.</param>
/// <param name="Summary">What it does.</param>
/// <param name="Handler">Answers a request.</param>
internal sealed record Route(string Method, string Pattern, string Summary, Func<RestExchange, Task> Handler)
{
    /// <summary>The operation of the request, unless its body names others.</summary>
    public KmsOperation? Operation { get; init; }

    /// <summary>Its id in the reference: the handler's class, unless a table of handlers gives another.</summary>
    public string Id { get; init; } =
        Handler.Method.DeclaringType!.Name.Replace("Endpoint", "", StringComparison.Ordinal) + Handler.Method.Name.Replace("Handle", "", StringComparison.Ordinal);

    /// <summary>The group in the reference.</summary>
    public string Tag { get; init; } = "";

    /// <summary>The JSON body of the request, or null.</summary>
    public Type? Request { get; init; }

    /// <summary>Whether the body may be omitted.</summary>
    public bool RequestIsOptional { get; init; }

    /// <summary>The JSON body of the answer, or null.</summary>
    public Type? Response { get; init; }

    /// <summary>The status of success.</summary>
    public int Status { get; init; } = StatusCodes.Status200OK;

    /// <summary>Whether request and answer may also be raw bytes.</summary>
    public bool Octets { get; init; }

    /// <summary>Our headers that a request of raw bytes may have.</summary>
    public string[] OctetHeaders { get; init; } = [];

    /// <summary>Whether it is a command without fields, whose body may be omitted or be <c>{}</c>.</summary>
    public bool IsCommand => Request is null && HttpMethods.IsPost(Method);

    /// <summary>Whether the request may also be a batch.</summary>
    public bool Items { get; init; }

    /// <summary>The JSON body of the answer to a request for many, with status 200, where that is not <see cref="BatchAnswer"/>; or null.</summary>
    public Type? ManyResponse { get; init; }

    /// <summary>Query parameters.</summary>
    public QueryParameter[] Query { get; init; } = [];

    /// <summary>Whether it answers without credentials.</summary>
    public bool IsOpen { get; init; }

    /// <summary>Whether the log skips its requests: probes and scrapes.</summary>
    public bool IsQuiet { get; init; }

    /// <summary>
    /// Names the operation. If it concerns no key, it is authorized before the handler is called. Otherwise the handler authorizes it with
    /// the key (<see cref="RestExchange.FindKey"/>); a caller who may do it with no key at all is refused before that.
    /// </summary>
    public Route Requires(KmsOperation operation) => this with { Operation = operation };

    /// <summary>Names the JSON body of the request.</summary>
    public Route Takes<T>() => this with { Request = typeof(T) };

    /// <summary>Names the JSON body of the request, which may be omitted.</summary>
    public Route MayTake<T>() => this with { Request = typeof(T), RequestIsOptional = true };

    /// <summary>Names the JSON body of the answer.</summary>
    public Route Answers<T>(int status = StatusCodes.Status200OK) => this with { Response = typeof(T), Status = status };

    /// <summary>The answer has no body.</summary>
    public Route AnswersNothing() => this with { Status = StatusCodes.Status204NoContent };

    /// <summary>The request may also be a batch, whose answer is then <see cref="BatchAnswer"/>.</summary>
    public Route OrItems() => this with { Items = true };

    /// <summary>The request may also be for many, whose answer is then this.</summary>
    public Route OrMany<T>() => this with { ManyResponse = typeof(T) };

    /// <summary>Bodies may also be raw bytes, with their associated data in a header.</summary>
    public Route OrOctets() => this with { Octets = true, OctetHeaders = [OctetForm.AssociatedDataHeader] };

    /// <summary>Names the query parameters; any other is refused.</summary>
    public Route WithQuery(params QueryParameter[] query) => this with { Query = query };

    /// <summary>It answers without credentials, and is a probe.</summary>
    public Route Open() => this with { IsOpen = true, IsQuiet = true };

    /// <summary>Answers a request that routing has brought here.</summary>
    public Task Invoke(HttpContext http)
    {
        var exchange = RestExchange.Of(http);
        exchange.Route = this;
        // The front door has refused everything without credentials except a few prefixes; this is the second lock.
        if (exchange.Principal is null && !IsOpen)
        {
            return Problems.Write(exchange, Failure.Of(KmsError.Unauthenticated));
        }

        if (IsOpen)
        {
            exchange.CheckForm();
            return Handler(exchange);
        }

        return exchange.Services.Link.IsConnected ? Handle(exchange) : HandleWhenConnected(exchange);
    }

    private Task Handle(RestExchange exchange)
    {
        switch (Operation)
        {
            case null:
                return Handler(exchange);
            case { IsForEveryone: true }:
                exchange.CheckForm();
                return Handler(exchange);
            case { ListsKeys: true }:
                exchange.AuthorizeSome(Operation);
                break;
            case { NamesKey: true }:
                exchange.RequireSome(Operation);
                return Handler(exchange);
            default:
                exchange.Authorize(Operation);
                break;
        }

        var counting = exchange.Count(Operation, null, 1);
        return counting.IsCompletedSuccessfully ? Handler(exchange) : HandleWhenCounted(exchange, counting);
    }

    private async Task HandleWhenCounted(RestExchange exchange, ValueTask counting)
    {
        await counting;
        await Handler(exchange);
    }

    private async Task HandleWhenConnected(RestExchange exchange)
    {
        if (!await exchange.Services.Link.IsConnectedSoon(exchange.Remaining)) throw KmsError.Unavailable.Exception();
        exchange.HasSpentTime();
        await Handle(exchange);
    }
}

/// <summary>A query parameter.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its JSON type: string, integer or boolean.</param>
/// <param name="Description">What it does.</param>
internal sealed record QueryParameter(string Name, string Type, string Description)
{
    /// <summary>The position of the next page.</summary>
    public static QueryParameter Cursor { get; } = new("cursor", "string", "The next_cursor of the previous page.");

    /// <summary>The size of a page.</summary>
    /// <param name="items">The name of its items, beginning a sentence.</param>
    /// <param name="more">Anything else about the size.</param>
    public static QueryParameter Limit(string items, string more = "") => new(
        "limit", "integer", $"{items} on a page, 1 to {KmsLimits.PageItems:N0}; {KmsLimits.DefaultPageItems} by default.{more}");
}
