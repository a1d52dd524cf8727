using System.Text.Json.Serialization;

namespace OrleansKms.Grains.Keys.Rows;

/// <summary>The rows' JSON. Names and enumeration texts are stored for ever; an unknown field, from a newer version, is ignored.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(KeyRow))]
[JsonSerializable(typeof(KeyVersionRow))]
[JsonSerializable(typeof(KeyUsageRow))]
[JsonSerializable(typeof(KeyHistoryRow))]
[JsonSerializable(typeof(KeyApprovalsRow))]
[JsonSerializable(typeof(KeyBackupContent))]
[JsonSerializable(typeof(KeyImportsRow))]
[JsonSerializable(typeof(RequestedOperation))]
public sealed partial class KeyRowJson : JsonSerializerContext;
