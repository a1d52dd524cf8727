using System.Text.Json;
using System.Text.Json.Serialization;

namespace OrleansKms.Gateway.Rest.Keys;

/// <summary>Writes a listed key as the key itself, or as its id and an error.</summary>
internal sealed class ListedKeyConverter : JsonConverter<ListedKey>
{
    public override ListedKey Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException();

    public override void Write(Utf8JsonWriter writer, ListedKey value, JsonSerializerOptions options)
    {
        if (value.Key is { } key)
        {
            JsonSerializer.Serialize(writer, key, RestJson.Default.KeyAnswer);
            return;
        }

        writer.WriteStartObject();
        writer.WriteString("id", value.Id);
        if (value.Error is { } error)
        {
            writer.WritePropertyName("error");
            JsonSerializer.Serialize(writer, error, RestJson.Default.ErrorAnswer);
        }

        writer.WriteEndObject();
    }
}
