using System.Text.Json.Serialization;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;
using OrleansKms.Gateway.Rest.Cryptography;

namespace OrleansKms.Gateway.Rest.Keys;

/// <summary>The material to export, and for whom.</summary>
internal sealed class ExportKeyBody
{
    /// <summary>The version; the primary one by default.</summary>
    public int? Version { get; set; }

    /// <summary>
    /// An RSA public key of <see cref="KmsLimits.MinWrappingKeyBits"/> to <see cref="KmsLimits.MaxWrappingKeyBits"/> bits, as PEM or as DER
    /// in base64.
    /// </summary>
    [JsonPropertyName("wrapping_public_key")]
    public required string WrappingPublicKey { get; set; }
}

/// <summary>Exported material.</summary>
internal sealed class ExportKeyAnswer
{
    /// <summary>The material, wrapped in the same way as material that is imported.</summary>
    [JsonPropertyName("wrapped_material")]
    public required byte[] WrappedMaterial { get; init; }

    /// <summary>The version.</summary>
    [JsonPropertyName("key_version")]
    public required int KeyVersion { get; init; }
}

/// <summary>Returns a version's material, wrapped.</summary>
internal static class ExportKeyEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        var body = await exchange.ReadJson(RestJson.Default.ExportKeyBody, SizeLimits.ControlBody);
        var exported = await Imports.Export(exchange, id, PublicKeyText.Parse(body.WrappingPublicKey, "wrapping_public_key"), body.Version);
        await exchange.Answer(
            new ExportKeyAnswer { WrappedMaterial = exported.WrappedMaterial, KeyVersion = exported.KeyVersion }, RestJson.Default.ExportKeyAnswer);
    }
}
