using System.Text.Json.Serialization;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Access;

/// <summary>The row <c>access</c>: the administrator of a cluster.</summary>
public sealed record AccessRow : Row
{
    /// <summary>The row's grain: one for the whole cluster.</summary>
    internal static readonly GrainId Grain = GrainId.Create("access", "administrator");

    /// <summary>SHA-256 of the administrator's token; 32 bytes.</summary>
    public required byte[] AdministratorTokenSha256 { get; init; }

    /// <summary>When the token was created, UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>The rows' JSON. Names are stored for ever; an unknown field, from a newer version, is ignored.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AccessRow))]
[JsonSerializable(typeof(AccessLedgerRow))]
[JsonSerializable(typeof(PrincipalRow))]
[JsonSerializable(typeof(TokenUsesRow))]
[JsonSerializable(typeof(CredentialRow))]
[JsonSerializable(typeof(PolicyRow))]
internal sealed partial class AccessRowJson : JsonSerializerContext;
