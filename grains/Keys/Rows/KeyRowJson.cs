using System.Text.Json.Serialization;

namespace OrleansKms.Grains.Keys.Rows;

/// <summary>
/// The content of rows as JSON. Names and the texts of enumerations are stored for ever; an unknown field (from a newer
/// program) is passed over.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(KeyRow))]
[JsonSerializable(typeof(KeyVersionRow))]
[JsonSerializable(typeof(KeyUsageRow))]
public sealed partial class KeyRowJson : JsonSerializerContext;
