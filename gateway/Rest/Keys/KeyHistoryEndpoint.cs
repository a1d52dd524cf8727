using System.Text.Json.Serialization;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Keys;

/// <summary>One page of a key's history, newest event first.</summary>
internal sealed class KeyHistoryAnswer : PageAnswer
{
    /// <summary>The events.</summary>
    public required KeyEventAnswer[] Events { get; init; }

    /// <summary>
    /// Whether every event of the page, except those of an abandoned chain, is in the chain whose head is in the key's row.
    /// </summary>
    public required bool Verified { get; init; }

    /// <summary>The number of the first event, counting from the newest, that is changed or missing.</summary>
    [JsonPropertyName("broken_at")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? BrokenAt { get; init; }

    /// <summary>Whether the history begins with the key's creation.</summary>
    public required bool Complete { get; init; }
}

/// <summary>One change of a key.</summary>
internal sealed class KeyEventAnswer
{
    /// <summary>1 for the first event; each one after it is higher by one.</summary>
    public required long Number { get; init; }

    /// <summary>When it happened.</summary>
    public required DateTime Time { get; init; }

    /// <summary>What happened, for example keys:rotate; keys:restored if the chain continues after a restore.</summary>
    public required string Action { get; init; }

    /// <summary>The caller; okms for what the key did by itself.</summary>
    public required string Principal { get; init; }

    /// <summary>The caller's credential.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Credential { get; init; }

    /// <summary>Where the request came from.</summary>
    public required string Source { get; init; }

    /// <summary>The request's id.</summary>
    [JsonPropertyName("request_id")]
    public required string RequestId { get; init; }

    /// <summary>The version made or changed.</summary>
    [JsonPropertyName("key_version")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? KeyVersion { get; init; }

    /// <summary>The revision of the key's row committed with it, as in the audit trail.</summary>
    public required long Revision { get; init; }

    /// <summary>Anything else: which fields changed, or when something is due.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Reason { get; init; }

    /// <summary>How often the database had been restored from a backup by then.</summary>
    [JsonPropertyName("restore_epoch")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int RestoreEpoch { get; init; }

    /// <summary>The event's SHA-256 in hexadecimal; the next event names it.</summary>
    public required string Hash { get; init; }

    /// <summary>true for an event of an abandoned chain: an older copy of the key's row, from before it, was restored.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Left { get; init; }

    public static KeyEventAnswer Of(KeyHistoryEvent told) => new()
    {
        Number = told.Number,
        Time = told.Time.UtcDateTime,
        Action = told.Action,
        Principal = told.Principal,
        Credential = told.Credential,
        Source = told.Source,
        RequestId = told.RequestId,
        KeyVersion = told.Version,
        Revision = told.Revision,
        Reason = told.Reason,
        RestoreEpoch = told.RestoreEpoch,
        Hash = told.Hash,
        Left = told.IsLeft,
    };
}

/// <summary>Reads a key's history.</summary>
internal static class KeyHistoryEndpoint
{
    public static readonly QueryParameter[] Parameters =
    [
        QueryParameter.Limit("Events"),
        QueryParameter.Cursor,
    ];

    public static async Task Handle(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        var query = new Query(exchange);
        var limit = query.Limit();
        var list = $"history {id}";
        var page = await KeyHistory.Read(exchange, id, limit, Cursor.Read(list, query.Text("cursor")));
        await exchange.Answer(
            new KeyHistoryAnswer
            {
                Events = Array.ConvertAll(page.Events, KeyEventAnswer.Of),
                Verified = page.Verified,
                BrokenAt = page.BrokenAt,
                Complete = page.IsComplete,
                NextCursor = page.Next is { } next ? Cursor.After(list, next) : null,
            },
            RestJson.Default.KeyHistoryAnswer);
    }
}
