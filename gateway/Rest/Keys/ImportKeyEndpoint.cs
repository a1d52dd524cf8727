using System.Text.Json.Serialization;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Keys;

/// <summary>Material to import.</summary>
internal sealed class ImportKeyBody
{
    /// <summary>The token of the import parameters.</summary>
    [JsonPropertyName("import_token")]
    public required byte[] ImportToken { get; set; }

    /// <summary>
    /// An AES key of 256 bits under RSA-OAEP (SHA-256, MGF1 with SHA-256, no label) with the wrapping public key, followed by the material
    /// under AES-KWP (RFC 5649) with that AES key; up to <see cref="KmsLimits.WrappedMaterialBytes"/>. The material is the bytes of a
    /// symmetric key, the PKCS#8 of a private key, or the SubjectPublicKeyInfo of a public key alone.
    /// </summary>
    [JsonPropertyName("wrapped_material")]
    public required byte[] WrappedMaterial { get; set; }
}

/// <summary>Imports material as a new primary version.</summary>
internal static class ImportKeyEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        var body = await exchange.ReadJson(RestJson.Default.ImportKeyBody, SizeLimits.ControlBody);
        var key = await Imports.Import(exchange, id, body.ImportToken, body.WrappedMaterial);
        await exchange.Answer(KeyAnswer.Of(key), RestJson.Default.KeyAnswer);
    }
}
