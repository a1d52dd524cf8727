using System.Data.Common;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using OrleansKms.Grains.Audit;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Services;

/// <summary>The audit trail of this silo, for gateways.</summary>
[StatelessWorker]
public sealed partial class AuditGrain(IServiceProvider services, CallAudit audit, ILogger<AuditGrain> logger) : Grain, IAuditGrain
{
    private readonly ILogger _logger = logger;
    private readonly AuditIndex? _index = services.GetService<AuditIndex>();
    private readonly AuditAnchors? _anchors = services.GetService<AuditAnchors>();
    private readonly AuditLog? _log = services.GetService<AuditLog>();

    /// <inheritdoc/>
    public Task<AuditPage> Search(AuditQuery request)
    {
        var subject = new AuditSubject { Detail = request.KeyId is { } key ? $"key {key}" : null };
        return audit.Run(KmsOperation.SearchAudit, request.Caller, subject, () => Translated(async () =>
        {
            var after = request.After is { } text
                ? AuditPlace.Parse(text) ?? throw KmsError.InvalidParameter.Exception()
                : default(AuditPlace?);
            if (request.Limit is < 1 or > KmsLimits.PageItems)
            {
                throw KmsError.InvalidParameter.Exception();
            }

            // One more than asked for tells whether there is a next page.
            var found = _index is null ? [] : await _index.Search(request, after, CancellationToken.None);
            var page = found.Take(request.Limit).ToList();
            subject.Items = page.Count;
            return new AuditPage([.. page.Select(one => one.Record)], found.Count > page.Count ? page[^1].Place.ToString() : null);
        }));
    }

    /// <inheritdoc/>
    public Task<AuditLogDescription[]> ListLogs(AuditCommand request) =>
        audit.Run(KmsOperation.ListAuditLogs, request.Caller, new(), () => Translated(async () =>
        {
            var logs = _anchors is null ? [] : await _anchors.ReadAll(CancellationToken.None);
            return logs.Select(log => new AuditLogDescription
            {
                Id = log.Id,
                Silo = log.Silo,
                Key = log.Key,
                Size = log.Size,
                Copied = log.Copied,
                Checkpoint = log.Checkpoint,
                SignedAt = log.SignedAt,
            }).ToArray();
        }));

    /// <inheritdoc/>
    public async Task Record(GatewayCalls request)
    {
        if (request.Calls is not { Length: <= GatewayCalls.MaxCalls } calls)
        {
            throw KmsError.InvalidRequest.Exception();
        }

        if (_log is not { IsOn: true } log)
        {
            return;
        }

        foreach (var call in calls)
        {
            await log.Write(new(call.Operation, call.Outcome)
            {
                Caller = call.Caller,
                KeyId = call.KeyId,
                Items = call.Items,
                FailedItems = call.Items,
                Times = call.Times > 1 ? call.Times : null,
                Detail = call.Detail,
            });
        }
    }

    private async Task<T> Translated<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (e is DbException or DatabaseUnreachableException or TimeoutException)
        {
            LogFailed(e);
            throw KmsError.StorageUnavailable.Exception();
        }
    }

    [LoggerMessage(LogLevel.Warning, "audit: the database failed")]
    private partial void LogFailed(Exception exception);
}
