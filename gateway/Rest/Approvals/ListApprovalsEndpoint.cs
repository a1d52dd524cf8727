using System.Text.Json.Serialization;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Approvals;

/// <summary>One page of operations that need approval.</summary>
internal sealed class ListApprovalsAnswer : PageAnswer
{
    /// <summary>The approvals, by key and then by time.</summary>
    public required ApprovalAnswer[] Approvals { get; init; }

    /// <summary>Keys of this page whose approvals could not be read, and why; absent if there are none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public UntoldKeyAnswer[]? Untold { get; init; }
}

/// <summary>A key whose approvals could not be read.</summary>
internal sealed class UntoldKeyAnswer
{
    /// <summary>The key.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; init; }

    /// <summary>Why.</summary>
    public required ErrorAnswer Error { get; init; }
}

/// <summary>Lists operations that need approval.</summary>
internal static class ListApprovalsEndpoint
{
    public static readonly QueryParameter[] Parameters =
    [
        new("state", "string", "Only those in this state: pending, executed, rejected, cancelled, expired or failed; all by default."),
        new("key", "string", "Only those of this key: an id, or alias: and a name."),
        QueryParameter.Limit("Approvals"),
        QueryParameter.Cursor,
    ];

    public static async Task Handle(RestExchange exchange)
    {
        var query = new Query(exchange);
        var (text, limit) = (query.Text("key"), query.Limit());
        var state = WireNames<ApprovalState>.Parse(query.Text("state"), "state");
        var key = text is null ? null : await exchange.FindKey(text);
        var list = $"approvals {state} {key}";
        var after = Cursor.Read(list, query.Text("cursor"), place => ApprovalId.TryReadPlace(place, out _));
        var page = await ApprovalPages.Collect(exchange, key, state, after, limit);
        await exchange.Answer(
            new ListApprovalsAnswer
            {
                Approvals = [.. page.Approvals.Select(ApprovalAnswer.Of)],
                Untold = page.Failed.Count == 0 ? null
                    : [.. page.Failed.Select(failed => new UntoldKeyAnswer { KeyId = failed.KeyId, Error = ErrorAnswer.Of(failed.Failure) })],
                NextCursor = page.Next is { } last ? Cursor.After(list, last) : null,
            },
            RestJson.Default.ListApprovalsAnswer);
    }
}
