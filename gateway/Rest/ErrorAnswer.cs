using System.Text.Json.Serialization;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest;

/// <summary>Why one item of a batch, or one key or alias of a list, failed while others succeeded.</summary>
internal sealed class ErrorAnswer
{
    /// <summary>The stable code.</summary>
    public required string Code { get; init; }

    /// <summary>What is wrong.</summary>
    public required string Detail { get; init; }

    /// <summary>The failure of an item that a grain reported.</summary>
    public static ErrorAnswer Of(ItemError error) => new() { Code = error.Code, Detail = error.Detail };

    /// <summary>The failure of a call for one item.</summary>
    public static ErrorAnswer Of(Failure failure) => new() { Code = failure.Error.Code, Detail = failure.Detail };

    /// <summary>A failure that the gateway found itself.</summary>
    public static ErrorAnswer Of(KmsError error, string? detail = null) => new() { Code = error.Code, Detail = detail ?? error.Title };
}

/// <summary>A request without fields: its body may be omitted or be <c>{}</c>.</summary>
internal sealed class EmptyBody;

/// <summary>The end of a page of a list.</summary>
internal abstract class PageAnswer
{
    /// <summary>The value of <c>cursor</c> for the next page; absent on the last.</summary>
    [JsonPropertyName("next_cursor")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? NextCursor { get; init; }
}
