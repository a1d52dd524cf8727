using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Unicode;

namespace OrleansKms.Gateway.Json;

/// <summary>
/// JSON that is handed on as it was given, byte for byte. It must mean the same to every reader: no name twice in an object, and no text
/// that is not Unicode.
/// </summary>
internal static class GivenJson
{
    /// <summary>The bytes of an object.</summary>
    /// <param name="given">What stands in the request.</param>
    /// <param name="field">The field's name.</param>
    /// <exception cref="KmsException">invalid_request.</exception>
    public static byte[] ObjectBytes(JsonElement given, string field)
    {
        var bytes = JsonMarshal.GetRawUtf8Value(given);
        return given.ValueKind == JsonValueKind.Object && Utf8.IsValid(bytes) && HasOneMeaning(given)
            ? bytes.ToArray()
            : throw KmsError.InvalidRequest.Exception($"'{field}' must be a JSON object without repeated names or broken text.");
    }

    private static bool HasOneMeaning(JsonElement value)
    {
        try
        {
            return IsUnambiguous(value);
        }
        catch (InvalidOperationException)
        {
            // An escape that is half a character.
            return false;
        }
    }

    // Bodies are nested a few levels deep at most.
    private static bool IsUnambiguous(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                var names = new HashSet<string>(StringComparer.Ordinal);
                return value.EnumerateObject().All(member => names.Add(member.Name) && IsUnambiguous(member.Value));
            case JsonValueKind.Array:
                return value.EnumerateArray().All(IsUnambiguous);
            case JsonValueKind.String:
                return value.GetString() is not null;
            default:
                return true;
        }
    }
}
