using System.Text;
using System.Text.Json;

namespace OrleansKms.Silo.Verbs.Rewrap;

/// <summary>
/// One JSON object a line. A field is named by its name, or by a JSON pointer (RFC 6901) if it lies deeper: <c>/card/number</c>. Only the
/// ciphertext's string is replaced; every other byte of the line stays.
/// </summary>
/// <param name="names">The fields.</param>
internal sealed class JsonLinesFormat(FieldNames names) : RecordFormat
{
    private static readonly JsonReaderOptions _options = new() { MaxDepth = 64 };

    private readonly string[] _ciphertext = PathOf(names.Ciphertext);
    private readonly string[]? _associatedData = names.AssociatedData is null ? null : PathOf(names.AssociatedData);
    private readonly string[]? _key = names.Key is null ? null : PathOf(names.Key);

    /// <inheritdoc/>
    public override int EndOf(ReadOnlySpan<byte> bytes) => bytes.IndexOf((byte)'\n') + 1 is > 0 and var end ? end : -1;

    /// <inheritdoc/>
    public override RecordFields Read(ReadOnlySpan<byte> record)
    {
        if (record.Trim(" \t\r\n"u8).IsEmpty) return default;
        try
        {
            return Find(record);
        }
        catch (JsonException)
        {
            throw new FormatException("The line is not a JSON object.");
        }
        catch (InvalidOperationException)
        {
            throw new FormatException("The line has a string that is not text in UTF-8.");
        }
    }

    private RecordFields Find(ReadOnlySpan<byte> record)
    {
        var reader = new Utf8JsonReader(record, _options);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new JsonException();
        Range? place = null;
        string? ciphertext = null, associatedData = null, key = null;
        // The names from the outermost object to where the reader is, and an empty one for each array.
        var path = new List<string>();
        var arrays = 0;
        while (reader.Read())
        {
            var (token, depth) = (reader.TokenType, reader.CurrentDepth);
            path.RemoveRange(token == JsonTokenType.PropertyName ? depth - 1 : depth, path.Count - (token == JsonTokenType.PropertyName ? depth - 1 : depth));
            if (token == JsonTokenType.PropertyName) path.Add(reader.GetString()!);
            if (token == JsonTokenType.EndArray) arrays--;
            if (arrays == 0 && token is not (JsonTokenType.PropertyName or JsonTokenType.EndObject or JsonTokenType.EndArray))
            {
                if (path.SequenceEqual(_ciphertext))
                {
                    if (place is not null) throw Twice(names.Ciphertext);
                    ciphertext = TextOf(ref reader, names.Ciphertext);
                    place = (int)reader.TokenStartIndex..(int)reader.BytesConsumed;
                }

                if (_associatedData is not null && path.SequenceEqual(_associatedData)) Take(ref associatedData, ref reader, names.AssociatedData!);
                if (_key is not null && path.SequenceEqual(_key)) Take(ref key, ref reader, names.Key!);
            }

            if (token == JsonTokenType.StartArray)
            {
                arrays++;
                path.Add("");
            }
        }

        if (place is null) throw new FormatException($"The line has no field {names.Ciphertext}.");
        return new(
            place.Value, IsQuoted: true, ciphertext is null or "" ? null : Decode(ciphertext, names.Ciphertext),
            associatedData is null ? null : names.AssociatedDataIsText ? Encoding.UTF8.GetBytes(associatedData) : Decode(associatedData, names.AssociatedData!), key);
    }

    private static void Take(ref string? value, ref Utf8JsonReader reader, string field)
    {
        if (value is not null) throw Twice(field);
        value = TextOf(ref reader, field);
    }

    private static string? TextOf(ref Utf8JsonReader reader, string field) => reader.TokenType switch
    {
        JsonTokenType.String => reader.GetString(),
        JsonTokenType.Null => null,
        _ => throw new FormatException($"The field {field} is not a string."),
    };

    private static FormatException Twice(string field) => new($"The line has the field {field} twice.");

    private static string[] PathOf(string name) =>
        name.StartsWith('/') ? [.. name[1..].Split('/').Select(part => part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal))] : [name];
}
