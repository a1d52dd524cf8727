using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using OrleansKms.Grains.Audit;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Listing;

/// <summary>Lists keys, aliases and the keys with approvals from the storage's own index, so no second list can fall out of step.</summary>
[StatelessWorker]
public sealed partial class DirectoryGrain(IRowDirectory rows, CallAudit audit, ILogger<DirectoryGrain> logger)
    : Grain, IDirectoryGrain, IApprovalsDirectoryGrain
{
    private readonly ILogger _logger = logger;

    /// <inheritdoc/>
    public Task<DirectoryPage> ListKeys(DirectoryQuery query) => Recorded(KmsOperation.ListKeys, RowNames.Key, query);

    /// <inheritdoc/>
    public Task<DirectoryPage> ListAliases(DirectoryQuery query) => Recorded(KmsOperation.ListAliases, RowNames.Alias, query);

    /// <inheritdoc/>
    public Task<DirectoryPage> ListKeys(ApprovalKeysQuery query) => Recorded(
        KmsOperation.ListApprovals, RowNames.KeyApprovals,
        new(query.Caller, "", query.After, query.Limit, IncludeDestroyed: !query.OnlyPending));

    private Task<DirectoryPage> Recorded(KmsOperation operation, string rowName, DirectoryQuery query)
    {
        var subject = new AuditSubject { Detail = query.Prefix is { Length: > 0 } prefix ? $"prefix {prefix}" : null };
        return audit.Run(operation, query.Caller, subject, async () =>
        {
            var page = await List(rowName, query);
            subject.Items = page.Ids.Length;
            return page;
        });
    }

    private async Task<DirectoryPage> List(string rowName, DirectoryQuery query)
    {
        if (query.Limit is < 1 or > KmsLimits.PageItems || !KeyId.IsValidPrefix(query.Prefix)
            || (query.After is not null && !KeyId.IsValid(query.After)))
        {
            throw KmsError.InvalidParameter.Exception();
        }

        try
        {
            // One more than requested tells whether there is a next page.
            var found = await rows.List(
                rowName, query.Prefix, query.After, query.Limit + 1, query.IncludeDestroyed, CancellationToken.None);
            return new([.. found.Take(query.Limit)], found.Count > query.Limit);
        }
        catch (StorageFailedException e)
        {
            LogFailed(e);
            throw KmsError.StorageUnavailable.Exception();
        }
    }

    [LoggerMessage(LogLevel.Warning, "listing failed")]
    private partial void LogFailed(Exception exception);
}
