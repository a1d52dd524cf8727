using System.Text.Json.Serialization;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Audit;

/// <summary>The logs of all silos, newest first.</summary>
internal sealed class ListAuditLogsAnswer
{
    /// <summary>The logs.</summary>
    public required AuditLogAnswer[] Logs { get; init; }
}

/// <summary>A log of the audit trail.</summary>
internal sealed class AuditLogAnswer
{
    /// <summary>Its id, which is <c>log</c> in its records.</summary>
    public required string Log { get; init; }

    /// <summary>The silo that wrote it last.</summary>
    public required string Silo { get; init; }

    /// <summary>Its verifier key (c2sp.org/signed-note).</summary>
    public required string Key { get; init; }

    /// <summary>The number of records in the checkpoint.</summary>
    public required long Size { get; init; }

    /// <summary>The number of those that can be searched.</summary>
    public required long Copied { get; init; }

    /// <summary>The last signed checkpoint (c2sp.org/tlog-checkpoint). Keep one elsewhere from time to time.</summary>
    public required string Checkpoint { get; init; }

    /// <summary>When the database received it.</summary>
    [JsonPropertyName("signed_at")]
    public required DateTime SignedAt { get; init; }
}

/// <summary>Lists the logs of the audit trail.</summary>
internal static class ListAuditLogsEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var logs = await AuditReading.ListLogs(exchange);
        await exchange.Answer(
            new ListAuditLogsAnswer
            {
                Logs = Array.ConvertAll(logs, log => new AuditLogAnswer
                {
                    Log = log.Id,
                    Silo = log.Silo,
                    Key = log.Key,
                    Size = log.Size,
                    Copied = log.Copied,
                    Checkpoint = log.Checkpoint,
                    SignedAt = log.SignedAt.UtcDateTime,
                }),
            },
            RestJson.Default.ListAuditLogsAnswer);
    }
}
