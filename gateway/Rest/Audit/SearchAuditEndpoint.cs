using System.Text.Json;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Audit;

/// <summary>One page of records, newest first.</summary>
internal sealed class SearchAuditAnswer : PageAnswer
{
    /// <summary>The records, as in their logs.</summary>
    public required JsonElement[] Records { get; init; }
}

/// <summary>Finds records of the audit trail.</summary>
internal static class SearchAuditEndpoint
{
    public static readonly QueryParameter[] Parameters =
    [
        new("key", "string", "Only records of this key."),
        new("principal", "string", "Only calls by this principal."),
        new("action", "string", "Only this action, for example keys:encrypt."),
        new("outcome", "string", "Only this outcome: ok, or an error code."),
        new("from", "string", "Only records from this time (RFC 3339) on."),
        new("to", "string", "Only records before this time (RFC 3339)."),
        QueryParameter.Limit("Records"),
        QueryParameter.Cursor,
    ];

    public static async Task Handle(RestExchange exchange)
    {
        var query = new Query(exchange);
        var (key, principal, action, outcome) = (query.Text("key"), query.Text("principal"), query.Text("action"), query.Text("outcome"));
        var (from, to) = (query.Time("from"), query.Time("to"));
        var list = $"audit {key} {principal} {action} {outcome} {from:O} {to:O}";
        if (key is not null && !KeyId.IsValid(key)) throw KmsError.InvalidKeyId.Exception();
        var page = await AuditReading.Search(exchange, new(exchange.Caller, query.Limit())
        {
            KeyId = key,
            Principal = principal,
            Action = action,
            Outcome = outcome,
            From = from,
            To = to,
            After = Cursor.Read(list, query.Text("cursor")),
        });
        await exchange.Answer(
            new SearchAuditAnswer
            {
                Records = Array.ConvertAll(page.Records, record => JsonElement.Parse(record)),
                NextCursor = page.Last is { } last ? Cursor.After(list, last) : null,
            },
            RestJson.Default.SearchAuditAnswer);
    }
}
