using System.Text.Json;
using System.Text.Json.Serialization;

namespace OrleansKms.Gateway.Rest.Aliases;

/// <summary>Writes a listed alias as the alias itself, or as its name and an error.</summary>
internal sealed class ListedAliasConverter : JsonConverter<ListedAlias>
{
    public override ListedAlias Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException();

    public override void Write(Utf8JsonWriter writer, ListedAlias value, JsonSerializerOptions options)
    {
        if (value.Alias is { } alias)
        {
            JsonSerializer.Serialize(writer, alias, RestJson.Default.AliasAnswer);
            return;
        }

        writer.WriteStartObject();
        writer.WriteString("name", value.Name);
        writer.WritePropertyName("error");
        JsonSerializer.Serialize(writer, value.Error!, RestJson.Default.ErrorAnswer);
        writer.WriteEndObject();
    }
}
