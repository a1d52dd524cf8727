using OrleansKms.Gateway.Access;
using OrleansKms.Gateway.Cluster;
using OrleansKms.Gateway.Limits;

namespace OrleansKms.Gateway.Operations;

/// <summary>
/// What the use-cases know of a request, whatever its wire: its caller, the keys they may use, how long it may take and how much
/// memory it holds.
/// </summary>
internal abstract partial class Call(OperationServices services, string requestId) : RequestTime(services.Time, services.Options.RequestTimeout)
{
    private const string Nobody = "anonymous";

    private Caller? _caller;
    private long _held;
    private bool _hasPlace;
    private TimeSpan _placeSince;

    /// <summary>The services of the use-cases.</summary>
    public OperationServices Services { get; } = services;

    /// <summary>The request's id.</summary>
    public string RequestId { get; } = requestId;

    /// <summary>The caller, once known; without one nothing is authorized.</summary>
    public Principal? Principal { get; set; }

    /// <summary>The key that the request concerns, for the log: a valid id or null.</summary>
    public string? KeyId { get; set; }

    /// <summary>The requested operation; null while it is unknown, or if there is none.</summary>
    public virtual KmsOperation? Operation => null;

    /// <summary>The trace that the request belongs to; null for none.</summary>
    public virtual string? TraceId => null;

    /// <summary>Size limits.</summary>
    public SizeLimits Limits => Services.Limits;

    /// <summary>The caller, for messages to grains.</summary>
    public Caller Caller => _caller ??= new Caller(Principal?.Name ?? Nobody, Source, RequestId) { Credential = Principal?.Credential, TraceId = TraceId };

    /// <summary>Where the request came from.</summary>
    public abstract string Source { get; }

    /// <summary>The request's source address; null if it has none.</summary>
    public abstract System.Net.IPAddress? Address { get; }

    /// <summary>Proves to a silo that an administrator made the request; null where the wire has no proof.</summary>
    public virtual AdministratorProof? Proof => null;

    /// <summary>Reserves memory for the request; released when the request is over.</summary>
    /// <param name="bytes">How much it has now, including what it had before.</param>
    /// <exception cref="KmsException">overloaded: others have it all.</exception>
    public void Hold(long bytes)
    {
        if (bytes <= _held) return;
        if (!Limits.InFlight.TryTake(bytes - _held, _held)) throw KmsError.Overloaded.Exception();
        _held = bytes;
    }

    /// <summary>Takes a slot among the concurrent requests.</summary>
    /// <returns>Whether there was one; if not, the request is refused as <c>overloaded</c>.</returns>
    public ValueTask<bool> TakePlace()
    {
        var entering = Services.Concurrency.Enter(Remaining);
        return entering is { IsCompletedSuccessfully: true, Result: var has } ? new(_hasPlace = has) : Wait(entering);

        async ValueTask<bool> Wait(ValueTask<bool> turn)
        {
            _hasPlace = await turn;
            _placeSince = Elapsed;
            HasSpentTime();
            return _hasPlace;
        }
    }

    /// <summary>Releases the slot.</summary>
    /// <param name="wasAnswered">Whether the time it was held is that of an answer.</param>
    /// <returns>Whether the request had a slot.</returns>
    public bool LeavePlace(bool wasAnswered)
    {
        if (!_hasPlace) return false;
        _hasPlace = false;
        Services.Concurrency.Leave(wasAnswered ? Elapsed - _placeSince : null);
        return true;
    }

    /// <summary>The request is over.</summary>
    public void LetGo()
    {
        if (_held == 0) return;
        Limits.InFlight.Return(_held);
        _held = 0;
    }

    /// <summary>A key's grain.</summary>
    public IKeyGrain Key(string id) => Services.Keys.Of(id);

    /// <summary>
    /// Counts uses against the limits of the principal and of the key's namespaces. Authorizing an operation counts one use; if the request
    /// turns out to have more items, count the others here.
    /// </summary>
    /// <exception cref="KmsException">rate_limited.</exception>
    public ValueTask Count(KmsOperation operation, string? keyId, int uses) => Principal is { } principal
        ? Services.SharedLimits.Take(principal.Name, principal.Limits, operation, keyId, uses)
        : ValueTask.CompletedTask;

    /// <summary>Returns uses that were counted, of a request that is refused for its others.</summary>
    public void Uncount(KmsOperation operation, string? keyId, int uses)
    {
        if (Principal is { } principal) Services.SharedLimits.GiveBack(principal.Name, principal.Limits, operation, keyId, uses);
    }

    /// <summary>What an exception means to the caller, where the request itself continues. Logs a defect.</summary>
    /// <param name="exception">What went wrong.</param>
    /// <param name="operation">The operation that failed.</param>
    /// <param name="keyId">The key it named, as the caller wrote it.</param>
    public ValueTask<Failure> FailureOf(Exception exception, KmsOperation operation, string? keyId)
    {
        var failure = Failure.Of(exception);
        if (failure.IsDefect) LogDefect(exception);
        return exception is KmsException { IsRecorded: true } ? new(failure) : Recorded(failure, operation, keyId);
    }

    /// <summary>Records a refusal by this gateway before it is returned.</summary>
    /// <param name="failure">The reason.</param>
    /// <param name="operation">The requested operation.</param>
    /// <param name="keyId">The key it named, if it is a valid id.</param>
    /// <param name="items">The number of batch items it concerns; null for a whole call.</param>
    /// <returns>The failure to return: the same one, or that it cannot be recorded.</returns>
    public async ValueTask<Failure> Recorded(Failure failure, KmsOperation operation, string? keyId, int? items = null)
    {
        if (!operation.IsAudited || failure.Error == KmsError.AuditUnavailable) return failure;
        try
        {
            await Services.Recorder.Record(Told(operation, failure.Error.Code, keyId, items));
            return failure;
        }
        catch (KmsException e)
        {
            return Failure.Of(e);
        }
    }

    /// <summary>Records an answer that this gateway itself is about to give.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="detail">What a change is; null where the operation says it all.</param>
    /// <exception cref="KmsException">audit_unavailable.</exception>
    public Task RecordAnswered(KmsOperation operation, string? detail = null) => Services.Recorder.Record(Told(operation, "ok", null, null) with { Detail = detail });

    /// <summary>An operation has been authorized: only now may a wire check the form of its request.</summary>
    protected virtual void WhenAuthorized()
    {
    }

    /// <summary>Logs an unexpected failure.</summary>
    protected abstract void LogDefect(Exception exception);

    // The principal may have been unknown when the caller was first made.
    private GatewayCall Told(KmsOperation operation, string outcome, string? keyId, int? items) =>
        new(Caller.Principal == (Principal?.Name ?? Nobody) ? Caller : Caller with { Principal = Principal!.Name, Credential = Principal.Credential }, operation.Name, outcome)
        {
            KeyId = keyId is not null && OrleansKms.KeyId.IsValid(keyId) ? keyId : null,
            Items = items,
        };

    private async ValueTask<string> Counted(ValueTask counting, string key)
    {
        HasSpentTime();
        await counting;
        return key;
    }
}
