using System.Net;
using System.Text.Json.Serialization.Metadata;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Security;

namespace OrleansKms.Gateway.Http;

/// <summary>One request and its answer: what handlers work with, and what the request log tells.</summary>
internal sealed class Exchange(HttpContext http, GatewayServices services)
{
    private static readonly AsyncLocal<Exchange?> _current = new();

    private readonly long _started = services.Time.GetTimestamp();
    private Caller? _caller;
    private bool _formIsChecked;
    private bool _hasSpentTime;
    private long _held;
    private long _waited;

    /// <summary>ASP.NET Core's side of the request.</summary>
    public HttpContext Http { get; } = http;

    /// <summary>What the gateway is made of.</summary>
    public GatewayServices Services { get; } = services;

    /// <summary>The request's id.</summary>
    public string RequestId { get; } = Gateway.Http.RequestId.From(http.Request.Headers[Gateway.Http.RequestId.Header]);

    /// <summary>Who asks; null only on open routes.</summary>
    public Principal? Principal { get; set; }

    /// <summary>The route, once it is found.</summary>
    public Route? Route { get; set; }

    /// <summary>The key that the request is about, for the log: a valid id or null.</summary>
    public string? KeyId { get; set; }

    /// <summary>The error code of the answer, or null.</summary>
    public string? Code { get; set; }

    /// <summary>Bytes of body that were read.</summary>
    public long RequestBytes { get; set; }

    /// <summary>Bytes of body that were written.</summary>
    public long ResponseBytes { get; private set; }

    /// <summary>How long the request has taken so far.</summary>
    public TimeSpan Elapsed => Services.Time.GetElapsedTime(_started);

    /// <summary>Size limits.</summary>
    public SizeLimits Limits => Services.Limits;

    /// <summary>What grains are told about who asks.</summary>
    public Caller Caller => _caller ??= new Caller(Principal?.Name ?? "anonymous", Source(Http), RequestId);

    /// <summary>What shows a silo that whoever asks is an administrator.</summary>
    public AdministratorProof? Proof => Credentials.ProofOf(Http.Request);

    /// <summary>
    /// The request that a grain call is part of, for the filter that makes calls again; null outside requests, and in a silo,
    /// which has no such filter.
    /// </summary>
    public static Exchange? Current
    {
        get => _current.Value;
        set => _current.Value = value;
    }

    /// <summary>The time that is left for the work, or zero.</summary>
    public TimeSpan Remaining
    {
        get
        {
            var remaining = Services.Options.RequestTimeout - Services.Time.GetElapsedTime(_started + _waited);
            return remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
        }
    }

    /// <summary>The exchange of a request; the front door has put it there.</summary>
    public static Exchange Of(HttpContext http) => http.Features.Get<Exchange>()
        ?? throw new InvalidOperationException("The request did not come through the gateway's front door.");

    /// <summary>The address that the request came from.</summary>
    public static string Source(HttpContext http)
    {
        // An IPAddress keeps its text, and the server keeps the IPAddress while the connection lives.
        const string Mapped = "::ffff:";
        var text = http.Connection.RemoteIpAddress?.ToString() ?? IPAddress.None.ToString();
        return text.StartsWith(Mapped, StringComparison.Ordinal) && text.Contains('.', StringComparison.Ordinal)
            ? text[Mapped.Length..]
            : text;
    }

    /// <summary>Takes room for what the request has in memory; it is given back when the request is over.</summary>
    /// <param name="bytes">How much it has now, with what it had before.</param>
    /// <exception cref="KmsException">overloaded: others have it all.</exception>
    public void Hold(long bytes)
    {
        if (bytes <= _held) return;
        if (!Limits.InFlight.TryTake(bytes - _held, _held)) throw KmsError.Overloaded.Exception();
        _held = bytes;
    }

    /// <summary>The request is over.</summary>
    public void LetGo()
    {
        if (_held == 0) return;
        Limits.InFlight.Return(_held);
        _held = 0;
    }

    /// <summary>A part of the path.</summary>
    public string RouteValue(string name) => Http.Request.RouteValues[name] as string ?? "";

    /// <summary>A key's grain.</summary>
    public IKeyGrain Key(string id) => Services.Keys.Of(id);

    /// <summary>
    /// Refuses what the request gives and its route does not take. Permission comes before form: so it is called, and once does
    /// something, when an operation has been authorized and, where the permission depends on the body, before the body is read.
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

    /// <summary>Lets an operation pass that names no key.</summary>
    public void Authorize(KmsOperation operation) => Authorize(operation, null);

    /// <summary>
    /// The key id that a request means by <c>{id}</c> or a field: an id, or <c>alias:</c> and a name. The route's operation is
    /// authorized for it.
    /// </summary>
    /// <exception cref="KmsException">invalid_key_id, alias_not_found, permission_denied.</exception>
    public ValueTask<string> ResolveKey(string text) => ResolveKey(text, Route?.Operation
        ?? throw new InvalidOperationException("Internal error: the route names no operation."));

    /// <summary>The same, for another operation than the route's.</summary>
    /// <exception cref="KmsException">invalid_key_id, alias_not_found, permission_denied.</exception>
    public ValueTask<string> ResolveKey(string text, KmsOperation operation)
    {
        if (OrleansKms.KeyId.IsValid(text))
        {
            Authorize(operation, text);
            return ValueTask.FromResult(text);
        }

        return text.StartsWith(OrleansKms.KeyId.AliasPrefix, StringComparison.Ordinal)
            ? ResolveAlias(text[OrleansKms.KeyId.AliasPrefix.Length..], operation)
            : throw KmsError.InvalidKeyId.Exception();
    }

    /// <summary>The key of the path's <c>{id}</c>, which is also the log's.</summary>
    public ValueTask<string> RouteKey()
    {
        var key = ResolveKey(RouteValue("id"));
        if (!key.IsCompletedSuccessfully)
        {
            return Note(key);
        }

        KeyId = key.Result;
        return ValueTask.FromResult(KeyId);

        async ValueTask<string> Note(ValueTask<string> resolving) => KeyId = await resolving;
    }

    /// <summary>
    /// Waits for work that needs more than one call, within the request's deadline. (One call alone ends by the Orleans
    /// client's own time-out, so it needs no timer.)
    /// </summary>
    /// <exception cref="TimeoutException">The deadline passed.</exception>
    public Task<T> Within<T>(Task<T> work) => work.IsCompleted ? work : work.WaitAsync(Remaining, Services.Time);

    /// <summary>
    /// The call that a request ends in, within the request's deadline. When another wait came before it, for an alias or for the
    /// cluster, it would by itself have the whole time once more; most often none did, and it costs no timer.
    /// </summary>
    /// <exception cref="TimeoutException">The deadline passed.</exception>
    public Task<T> InTime<T>(Task<T> call) => _hasSpentTime ? Within(call) : call;

    /// <inheritdoc cref="InTime{T}(Task{T})"/>
    public ValueTask<T> InTime<T>(ValueTask<T> call) => _hasSpentTime && !call.IsCompleted ? new(Within(call.AsTask())) : call;

    /// <summary>The request has waited for something else than its call: what is left of its time is less than a call has.</summary>
    public void HasSpentTime() => _hasSpentTime = true;

    /// <summary>The body has arrived: the time that it was waited for was the client's, and does not count as work.</summary>
    /// <param name="waitedSince">When the wait began, in the clock's ticks.</param>
    public void BodyHasArrived(long waitedSince) => _waited += Services.Time.GetTimestamp() - waitedSince;

    /// <summary>Answers with JSON.</summary>
    public Task Answer<T>(T value, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK) =>
        Write(status, value, type, "application/json");

    /// <summary>Answers with nothing.</summary>
    public Task AnswerNothing()
    {
        Http.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    /// <summary>Answers with bytes.</summary>
    public Task AnswerBytes(ReadOnlyMemory<byte> bytes, string contentType, int status = StatusCodes.Status200OK)
    {
        Begin(status, contentType, bytes.Length);
        var writing = Http.Response.BodyWriter.WriteAsync(bytes);
        return writing.IsCompletedSuccessfully ? Task.CompletedTask : writing.AsTask();
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

    private void Begin(int status, string contentType, int length)
    {
        var response = Http.Response;
        response.StatusCode = status;
        response.ContentType = contentType;
        response.ContentLength = length;
        ResponseBytes = length;
    }

    private void Authorize(KmsOperation operation, string? keyId)
    {
        Services.Access.Authorize(Principal ?? throw KmsError.Unauthenticated.Exception(), operation, keyId);
        CheckForm();
    }

    private async ValueTask<string> ResolveAlias(string name, KmsOperation operation)
    {
        if (!OrleansKms.KeyId.IsValid(name))
        {
            throw KmsError.InvalidKeyId.Exception();
        }

        _hasSpentTime = true;
        var alias = await Services.Aliases.Of(name).Resolve(new AliasCommand(Caller));
        Authorize(operation, alias.KeyId);
        return alias.KeyId;
    }
}
