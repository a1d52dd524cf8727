using System.Text.Json.Serialization;

namespace OrleansKms.Grains.Aliases;

/// <summary>
/// The content of the row as JSON. Names are stored for ever; an unknown field (from a newer program) is ignored.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AliasRow))]
internal sealed partial class AliasRowJson : JsonSerializerContext;
