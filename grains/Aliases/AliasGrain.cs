using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Runtime.Messaging;
using Orleans.Storage;
using OrleansKms.Grains.Audit;
using OrleansKms.Grains.Clocks;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Aliases;

/// <summary>One alias. It knows the key's id and nothing else about the key.</summary>
[GrainType("alias")]
public sealed partial class AliasGrain : Grain, IAliasGrain, IMayBeAbsent, IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1.5);

    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ChangeLines _changes;
    private readonly CallAudit _audit;
    private readonly FenceMark? _mark;
    private readonly RowSlot<AliasRow> _slot;
    private readonly Absence _absence = new();

    /// <summary>Makes an activation; nothing is read before it is used.</summary>
    public AliasGrain(
        [FromKeyedServices(StorageNames.Sealed)] IGrainStorage storage,
        [FromKeyedServices(ClockNames.Keys)] TimeProvider time, ILogger<AliasGrain> logger, ChangeLines changes, CallAudit audit, IGrainContext context)
    {
        _time = time;
        _logger = logger;
        _changes = changes;
        _audit = audit;
        Name = context.GrainId.Key.ToString()!;
        _mark = Fence.Register(context);
        _slot = new(storage, context.GrainId, RowNames.Alias, _mark);
    }

    private string Name { get; }

    /// <inheritdoc/>
    public ValueTask<AliasDescription> Resolve(AliasCommand request) =>
        !request.IsStep ? new(Recorded(KmsOperation.DescribeAlias, request.Caller, null, Resolve))
        : _slot is { NeedsRead: false, Row: { Removed: false } row } && _mark is null or { MayAnswer: true } ? new(Described(row))
        : new(Resolve());

    /// <inheritdoc/>
    public Task<AliasDescription> Point(PointAlias request) =>
        Recorded(KmsOperation.PointAlias, request.Caller, request.KeyId, () => Guarded(() => PointTo(request)));

    /// <inheritdoc/>
    public Task Remove(AliasCommand request) =>
        Recorded(KmsOperation.RemoveAlias, request.Caller, null, () => Guarded(() => RemoveFor(request.Caller)));

    /// <summary>The activation is over.</summary>
    public void Dispose() => _mark?.Remove();

    private Task<AliasDescription> Resolve() => Guarded(async () => Described(await Load()), isRepeatable: true);

    /// <summary>Records the call, and which key the alias stands for after it.</summary>
    private Task<AliasDescription> Recorded(KmsOperation operation, Caller caller, string? keyId, Func<Task<AliasDescription>> work)
    {
        var subject = new AuditSubject { Alias = Name, KeyId = keyId };
        return _audit.Run(operation, caller, subject, async () =>
        {
            var alias = await work();
            subject.KeyId = alias.KeyId;
            return alias;
        });
    }

    private async Task<AliasDescription> PointTo(PointAlias request)
    {
        if (!KeyId.IsValid(Name) || !KeyId.IsValid(request.KeyId))
        {
            throw KmsError.InvalidKeyId.Exception();
        }

        var key = await Validate(request);
        if (key.Error is { } code && (key.State is null or KeyState.Destroyed))
        {
            throw KmsError.All[code].Exception();
        }

        while (_slot.NeedsRead)
        {
            await _slot.Read();
        }

        _changes.RequireRoom();
        var now = _time.GetUtcNow();
        await _slot.Write(_slot.Row switch
        {
            null => new() { Incarnation = Incarnation.New(), KeyId = request.KeyId, CreatedAt = now, UpdatedAt = now },
            { Removed: true } row => row with { KeyId = request.KeyId, CreatedAt = now, UpdatedAt = now, Removed = false },
            var row => row with { KeyId = request.KeyId, UpdatedAt = now },
        });
        await _changes.AliasPointed(Name, request.KeyId, request.Caller);
        return Described(_slot.Row!);
    }

    private async Task<AliasDescription> RemoveFor(Caller caller)
    {
        // As stored: another activation may have pointed it elsewhere since this one learned that the key is gone.
        _slot.Invalidate();
        var row = await Load();
        _changes.RequireRoom();
        await _slot.Write(row with { Removed = true });
        await _changes.AliasRemoved(Name, caller);
        DeactivateOnIdle();
        return Described(row);
    }

    /// <summary>
    /// Asks the key. A silo that shuts down may take the request with it; the request changes nothing, so it is retried once
    /// while the caller still waits.
    /// </summary>
    private async Task<KeyValidation> Validate(PointAlias request)
    {
        var key = GrainFactory.GetGrain<IKeyGrain>(request.KeyId);
        try
        {
            return await key.Validate(new(request.Caller)).WaitAsync(_patience);
        }
        catch (Exception e) when (e is TimeoutException or OrleansMessageRejectionException or ConnectionFailedException)
        {
            return await key.Validate(new(request.Caller));
        }
    }

    private async Task<AliasRow> Load()
    {
        while (_slot.NeedsRead)
        {
            await _slot.Read();
        }

        if (_slot.Row is { Removed: false } row)
        {
            return row;
        }

        throw KmsError.AliasNotFound.Exception();
    }

    private AliasDescription Described(AliasRow row) => new(Name, row.KeyId, row.CreatedAt, row.UpdatedAt);

    private async Task<T> Guarded<T>(Func<Task<T>> operation, bool isRepeatable = false)
    {
        try
        {
            while (true)
            {
                var answer = await operation();
                if (_mark is null || !isRepeatable || await _mark.Settle())
                {
                    return answer;
                }
            }
        }
        catch (KmsException)
        {
            throw;
        }
        catch (InconsistentStateException)
        {
            DeactivateOnIdle();
            throw KmsError.Conflict.Exception();
        }
        catch (StorageFailedException e)
        {
            LogFailed(Name, e);
            throw KmsError.StorageUnavailable.Exception();
        }
        catch (Exception e) when (e is TimeoutException or OrleansMessageRejectionException or ConnectionFailedException)
        {
            // The key could not be reached, before anything was written: the caller gets the error that the key itself would
            // return.
            throw;
        }
        catch (Exception e)
        {
            LogFailed(Name, e);
            throw KmsError.Internal.Exception();
        }
        finally
        {
            EndIfAbsent();
        }
    }

    /// <summary>
    /// Callers can name any alias, to resolve it or in a create that fails: an activation without a row must not stay in memory.
    /// </summary>
    private void EndIfAbsent()
    {
        if (IsAbsent())
        {
            _absence.End(this, IsAbsent, DeactivateOnIdle);
        }
    }

    void IMayBeAbsent.EndIfAbsent() => EndIfAbsent();

    private bool IsAbsent() => _slot.Row is null or { Removed: true };

    [LoggerMessage(LogLevel.Warning, "alias {Alias}: failed")]
    private partial void LogFailed(string alias, Exception exception);
}
