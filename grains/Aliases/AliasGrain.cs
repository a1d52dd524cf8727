using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Storage;
using OrleansKms.Grains.Keys;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Aliases;

/// <summary>One alias. It knows the key's id and nothing else of the key.</summary>
[GrainType("alias")]
public sealed partial class AliasGrain : Grain, IAliasGrain
{
    private readonly IGrainStorage _storage;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly GrainId _grain;
    private readonly Absence _absence = new();
    private RowSlot<AliasRow> _slot;

    /// <summary>Makes an activation; nothing is read before it is used.</summary>
    public AliasGrain(
        [FromKeyedServices(StorageNames.Sealed)] IGrainStorage storage,
        [FromKeyedServices(KmsGrainsExtensions.Clock)] TimeProvider time, ILogger<AliasGrain> logger, IGrainContext context)
    {
        _storage = storage;
        _time = time;
        _logger = logger;
        _grain = context.GrainId;
        _slot = NewSlot();
    }

    private string Name => _grain.Key.ToString()!;

    /// <inheritdoc/>
    public ValueTask<AliasDescription> Resolve(AliasCommand request) =>
        _slot is { IsStale: false, Row: { } row } ? new(Described(row)) : new(Guarded(async () => Described(await Load())));

    /// <inheritdoc/>
    public Task<AliasDescription> Point(PointAlias request) => Guarded(async () =>
    {
        if (!KeyId.IsValid(Name) || !KeyId.IsValid(request.KeyId))
        {
            throw KmsError.InvalidKeyId.Exception();
        }

        var key = await GrainFactory.GetGrain<IKeyGrain>(request.KeyId).Validate(new(request.Caller));
        if (key.Error is { } code && (key.State is null or KeyState.Destroyed))
        {
            throw KmsError.All[code].Exception();
        }

        if (_slot.IsStale)
        {
            await _slot.Read();
        }

        var now = _time.GetUtcNow();
        await _slot.Write(_slot.Row is { } row
            ? row with { KeyId = request.KeyId, UpdatedAt = now }
            : new() { Incarnation = Incarnation.New(), KeyId = request.KeyId, CreatedAt = now, UpdatedAt = now });
        LogPointed(Name, request.KeyId, request.Caller.Principal, request.Caller.RequestId);
        return Described(_slot.Row!);
    });

    /// <inheritdoc/>
    public Task Remove(AliasCommand request) => Guarded(async () =>
    {
        await Load();
        await _slot.Clear();
        LogRemoved(Name, request.Caller.Principal, request.Caller.RequestId);

        // The name may be used again; this activation knows a revision of the life that ended.
        _slot = NewSlot();
        DeactivateOnIdle();
        return true;
    });

    private RowSlot<AliasRow> NewSlot() => new(_storage, _grain, RowNames.Alias);

    private async Task<AliasRow> Load()
    {
        if (_slot.IsStale)
        {
            await _slot.Read();
        }

        if (_slot.Row is { } row)
        {
            return row;
        }

        _absence.End(this, () => _slot.Row is null, DeactivateOnIdle);
        throw KmsError.AliasNotFound.Exception();
    }

    private AliasDescription Described(AliasRow row) => new(Name, row.KeyId, row.CreatedAt, row.UpdatedAt);

    private async Task<T> Guarded<T>(Func<Task<T>> operation)
    {
        try
        {
            return await operation();
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
        catch (Exception e)
        {
            LogFailed(Name, e);
            throw KmsError.Internal.Exception();
        }
    }

    [LoggerMessage(LogLevel.Information, "alias {Alias}: stands for {KeyId}, by {Principal}, request {RequestId}")]
    private partial void LogPointed(string alias, string keyId, string principal, string requestId);

    [LoggerMessage(LogLevel.Information, "alias {Alias}: removed by {Principal}, request {RequestId}")]
    private partial void LogRemoved(string alias, string principal, string requestId);

    [LoggerMessage(LogLevel.Warning, "alias {Alias}: failed")]
    private partial void LogFailed(string alias, Exception exception);
}
