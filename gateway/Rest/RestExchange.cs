using System.Text.Json.Serialization.Metadata;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Wires;

namespace OrleansKms.Gateway.Rest;

/// <summary>A REST request and its answer: what handlers work with.</summary>
internal sealed class RestExchange(HttpContext http, RestServices services) : Exchange(http, services.Operations)
{
    private bool _formIsChecked;

    /// <summary>The services that only REST needs.</summary>
    public RestServices Rest { get; } = services;

    /// <summary>The route, once found.</summary>
    public Route? Route { get; set; }

    /// <inheritdoc/>
    public override string? Label => Found?.Pattern ?? (Http.GetEndpoint() as Microsoft.AspNetCore.Routing.RouteEndpoint)?.RoutePattern.RawText;

    /// <inheritdoc/>
    public override bool IsQuiet => Found is { IsQuiet: true };

    /// <inheritdoc/>
    public override KmsOperation? Operation => Http.GetEndpoint()?.Metadata.GetMetadata<KmsOperation>();

    /// <inheritdoc/>
    public override AdministratorProof? Proof => Principal is { CanProve: true } ? Credentials.ProofOf(Http.Request) : null;

    // A route of the host, or one refused before it was called.
    private Route? Found => Route ??= Http.GetEndpoint()?.Metadata.GetMetadata<Route>();

    /// <summary>The exchange of a request that routing has brought to a route of this API.</summary>
    public static new RestExchange Of(HttpContext http) => (RestExchange)Exchange.Of(http);

    /// <summary>A part of the path.</summary>
    public string RouteValue(string name) => Http.Request.RouteValues[name] as string ?? "";

    /// <summary>
    /// Refuses anything in the request that its route does not accept. Permission comes before form. So this is called, and takes effect
    /// once, when an operation has been authorized and, if the permission depends on the body, before the body is read.
    /// </summary>
    /// <exception cref="KmsException">invalid_request, unsupported_media_type.</exception>
    public void CheckForm()
    {
        if (!_formIsChecked)
        {
            _formIsChecked = true;
            RequestForm.Check(Http.Request, Route!);
        }
    }

    /// <inheritdoc/>
    public override void CheckTrailers() => RequestForm.CheckTrailers(Http);

    /// <summary>The key that a field names, with the route's operation authorized for it; also the log's key.</summary>
    /// <param name="text">An id, or <c>alias:</c> and a name.</param>
    /// <param name="facts">The facts of a key that the request creates.</param>
    /// <exception cref="KmsException">invalid_key_id, alias_not_found, permission_denied.</exception>
    public ValueTask<string> FindKey(string text, KeyFacts? facts = null)
    {
        var key = ResolveKey(text, Route?.Operation
            ?? throw new InvalidOperationException("Internal error: the route names no operation."), facts);
        if (!key.IsCompletedSuccessfully)
        {
            return Note(key);
        }

        KeyId = key.Result;
        return ValueTask.FromResult(KeyId);

        async ValueTask<string> Note(ValueTask<string> resolving) => KeyId = await resolving;
    }

    /// <summary>The key of the path's <c>{id}</c>.</summary>
    /// <exception cref="KmsException">invalid_key_id, alias_not_found, permission_denied.</exception>
    public ValueTask<string> RouteKey() => FindKey(RouteValue("id"));

    /// <summary>Answers with JSON.</summary>
    public Task Answer<T>(T value, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK) =>
        Write(status, value, type, "application/json");

    /// <summary>Answers without content.</summary>
    public Task AnswerNothing()
    {
        Http.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    /// <summary>Writes JSON whose length is sent ahead of it.</summary>
    public async Task Write<T>(int status, T value, JsonTypeInfo<T> type, string contentType)
    {
        using var buffer = JsonBuffer.Rent(Services.Pool);
        System.Text.Json.JsonSerializer.Serialize(buffer.Writer, value, type);
        buffer.Writer.Flush();
        Begin(status, contentType, buffer.Length);
        await buffer.CopyTo(Http.Response.BodyWriter);
    }

    /// <inheritdoc/>
    protected override void WhenAuthorized() => CheckForm();
}
