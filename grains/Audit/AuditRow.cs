using System.Text.Json.Serialization;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Audit;

/// <summary>
/// The row <c>audit</c>: a secret of the audit trail, sealed like a key. For a log it is the seed of its signing key; for the service, the
/// key of the HMACs of associated data.
/// </summary>
public sealed record AuditRow : Row
{
    /// <summary>The name of the row.</summary>
    internal const string RowName = "audit";

    /// <summary>The secret; 32 bytes.</summary>
    public required byte[] Secret { get; init; }

    /// <summary>When it was created, UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The row's grain for a log.</summary>
    internal static GrainId OfLog(string id) => GrainId.Create("audit", "log/" + id);

    /// <summary>The row's grain for the service.</summary>
    internal static GrainId OfService { get; } = GrainId.Create("audit", "service");

    /// <summary>Never the secret.</summary>
    public override string ToString() => $"{nameof(AuditRow)} of {CreatedAt:O}";
}

/// <summary>The row's JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(AuditRow))]
internal sealed partial class AuditRowJson : JsonSerializerContext;
