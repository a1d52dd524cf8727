using System.Data.Common;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Access;
using OrleansKms.Grains.Audit;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Services;

/// <summary>What an administrator can do with the KEKs. The work itself runs in <see cref="KekSweep"/>, independently.</summary>
[GrainType("keks")]
public sealed partial class KekRingGrain : Grain, IKekRingGrain
{
    private readonly KekRotation _rotation;
    private readonly KekRecords _records;
    private readonly SiloRegistry _silos;
    private readonly IAdministrators _administrators;
    private readonly CallAudit _audit;
    private readonly ILogger _logger;

    /// <summary>Makes an activation, which holds nothing.</summary>
    public KekRingGrain(IServiceProvider services, ILogger<KekRingGrain> logger)
    {
        // Their types are not public.
        _rotation = services.GetRequiredService<KekRotation>();
        _records = services.GetRequiredService<KekRecords>();
        _silos = services.GetRequiredService<SiloRegistry>();
        _administrators = services.GetRequiredService<IAdministrators>();
        _audit = services.GetRequiredService<CallAudit>();
        _logger = logger;
    }

    /// <inheritdoc/>
    public Task<KekDescription[]> List(KekCommand request) =>
        Guarded(KmsOperation.ListKeks, request.Caller, request.Proof, new(), List);

    /// <inheritdoc/>
    public Task<KekDescription> Rotate(KekCommand request)
    {
        var subject = new AuditSubject();
        return Guarded(KmsOperation.RotateKek, request.Caller, request.Proof, subject, async () =>
        {
            _audit.RequireRoom();
            var id = await _rotation.Begin(CancellationToken.None);
            subject.Detail = $"KEK {id}";
            LogRotation(id, request.Caller.Principal, request.Caller.RequestId);
            return await Find(id);
        });
    }

    /// <inheritdoc/>
    public Task<KekDescription> Destroy(DestroyKek request)
    {
        var subject = new AuditSubject { Detail = $"KEK {request.KekId}" };
        return Guarded(KmsOperation.DestroyKek, request.Caller, request.Proof, subject, () => Destroy(request.KekId, request.Caller));
    }

    private async Task<KekDescription> Destroy(string kekId, Caller caller)
    {
        _audit.RequireRoom();
        if (!KekId.TryParse(kekId, out var id))
        {
            throw KmsError.InvalidParameter.Exception("A KEK's id must be 32 hexadecimal digits in lower case.");
        }

        await _rotation.Destroy(id, CancellationToken.None);
        LogDestruction(id, caller.Principal, caller.RequestId);
        return await Find(id);
    }

    private async Task<KekDescription> Find(KekId id) => (await List()).Last(k => k.Id == id.ToString());

    private async Task<KekDescription[]> List()
    {
        var keks = new List<KekDescription>();
        foreach (var kek in await _records.ReadDestroyed(CancellationToken.None))
        {
            keks.Add(new()
            {
                Id = kek.Id.ToString(),
                State = KekState.Destroyed,
                CreatedAt = kek.CreatedAt,
                DestroyedAt = kek.DestroyedAt,
                Roots = [],
                WaitsFor = [],
            });
        }

        foreach (var kek in await _records.ReadAll(CancellationToken.None))
        {
            keks.Add(new()
            {
                Id = kek.Id.ToString(),
                State = StateOf(kek),
                CreatedAt = kek.CreatedAt,
                SupersededAt = kek.SupersededAt,
                Rows = kek.Rows,
                RowsResealed = kek.Resealed,
                RowsPerSecond = kek.ResealRate,
                Roots = [.. kek.Roots],
                WaitsFor = StateOf(kek) == KekState.New ? [.. await _silos.ReadWithout(kek.Id, CancellationToken.None)] : [],
            });
        }

        return [.. keks.OrderBy(k => k.CreatedAt)];
    }

    private static KekState StateOf(KekRecord kek) => kek switch
    {
        { IsCurrent: true } => KekState.Current,
        { SupersededAt: null } => KekState.New,
        { Rows: > 0 } => KekState.Retiring,
        _ => KekState.Retired,
    };

    private Task<T> Guarded<T>(
        KmsOperation operation, Caller caller, AdministratorProof? proof, AuditSubject subject, Func<Task<T>> work) =>
        _audit.Run(operation, caller, subject, () => Translated(operation, proof, work));

    private async Task<T> Translated<T>(KmsOperation asked, AdministratorProof? proof, Func<Task<T>> operation)
    {
        try
        {
            await _administrators.Require(proof, asked);
            return await operation();
        }
        catch (KmsException)
        {
            throw;
        }
        catch (Exception e) when (e is DbException or DatabaseUnreachableException or StartRefusedException or TimeoutException)
        {
            LogStorageFailed(e);
            throw KmsError.StorageUnavailable.Exception();
        }
        catch (Exception e)
        {
            LogUnexpected(e);
            throw KmsError.Internal.Exception();
        }
    }

    [LoggerMessage(LogLevel.Warning, "KEK {KekId}: rotation, by {Principal}, request {RequestId}")]
    private partial void LogRotation(KekId kekId, string principal, string requestId);

    [LoggerMessage(LogLevel.Warning, "KEK {KekId}: destruction, by {Principal}, request {RequestId}")]
    private partial void LogDestruction(KekId kekId, string principal, string requestId);

    [LoggerMessage(LogLevel.Warning, "KEKs: the database failed")]
    private partial void LogStorageFailed(Exception exception);

    [LoggerMessage(LogLevel.Error, "KEKs: unexpected failure")]
    private partial void LogUnexpected(Exception exception);
}
