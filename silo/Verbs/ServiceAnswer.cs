using System.Text.Json;

namespace OrleansKms.Silo.Verbs;

/// <summary>A good answer of the service: 2xx.</summary>
/// <param name="status">The HTTP status.</param>
/// <param name="body">The body, as it came; empty for 204.</param>
internal sealed class ServiceAnswer(int status, byte[] body)
{
    /// <summary>Whether nothing was done yet, since others must approve: the body is the approval.</summary>
    public bool IsPending => status == 202;

    /// <summary>The body, as it came.</summary>
    public byte[] Body => body;

    /// <summary>The body; an object.</summary>
    public JsonElement Json { get; } = body.Length == 0 ? default : Parse(body);

    private static JsonElement Parse(byte[] body)
    {
        using var document = JsonDocument.Parse(body);
        return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : throw new JsonException("The answer is not an object.");
    }
}

/// <summary>Reads fields of answers. What is missing or null is null.</summary>
internal static class AnswerFields
{
    /// <summary>A field as text: a string itself, anything else as JSON.</summary>
    public static string? Text(this JsonElement json, string name) => json.Field(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { } other => other.GetRawText(),
    };

    /// <summary>A field of bytes, which must be there.</summary>
    /// <exception cref="VerbException">It is not.</exception>
    public static byte[] Bytes(this JsonElement json, string name) =>
        json.Field(name) is { ValueKind: JsonValueKind.String } text && text.TryGetBytesFromBase64(out var bytes) ? bytes : throw Missing(name);

    /// <summary>A number, which must be there.</summary>
    /// <exception cref="VerbException">It is not.</exception>
    public static long Number(this JsonElement json, string name) =>
        json.Field(name) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out var value) ? value : throw Missing(name);

    /// <summary>A flag; false where it is missing.</summary>
    public static bool Flag(this JsonElement json, string name) => json.Field(name) is { ValueKind: JsonValueKind.True };

    /// <summary>A list; empty where it is missing.</summary>
    public static IEnumerable<JsonElement> List(this JsonElement json, string name) =>
        json.Field(name) is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : [];

    /// <summary>A field that is there and not null.</summary>
    public static JsonElement? Field(this JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static VerbException Missing(string name) => new("unreadable_answer", $"The answer lacks '{name}'.", ExitCode.Unreachable, "Is this the service's address, and its version the same?");
}
