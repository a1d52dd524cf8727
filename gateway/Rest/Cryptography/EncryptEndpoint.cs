using System.Text.Json.Serialization;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>One plaintext, or <c>items</c> of them.</summary>
internal sealed class EncryptBody
{
    /// <summary>1 byte to the operator's limit (<see cref="KmsLimits.DefaultPlaintextBytes"/> by default).</summary>
    public byte[]? Plaintext { get; set; }

    /// <summary>Authenticated, not encrypted; up to <see cref="KmsLimits.AssociatedDataBytes"/>. Decryption needs the same.</summary>
    [JsonPropertyName("associated_data")]
    public byte[]? AssociatedData { get; set; }

    /// <summary>One of the key's algorithms; by default the first. Only for RSA keys.</summary>
    public string? Algorithm { get; set; }

    /// <summary>Whether to answer with the bare ciphertext, without the header that names key and version; false by default. Only for RSA keys.</summary>
    public bool? Raw { get; set; }

    /// <summary>1 to <see cref="KmsLimits.BatchItems"/> plaintexts, <see cref="KmsLimits.BatchBytes"/> together, instead of one.</summary>
    public EncryptItemBody[]? Items { get; set; }
}

/// <summary>One plaintext of a batch.</summary>
internal sealed class EncryptItemBody : IReferenced
{
    /// <summary>1 byte to the operator's limit (<see cref="KmsLimits.DefaultPlaintextBytes"/> by default).</summary>
    [JsonRequired]
    public byte[] Plaintext { get; set; } = [];

    /// <summary>Authenticated, not encrypted; up to <see cref="KmsLimits.AssociatedDataBytes"/>.</summary>
    [JsonPropertyName("associated_data")]
    public byte[]? AssociatedData { get; set; }

    /// <summary>One of the key's algorithms; by default the first. Only for RSA keys.</summary>
    public string? Algorithm { get; set; }

    /// <summary>Whether to answer with the bare ciphertext, without the header that names key and version; false by default. Only for RSA keys.</summary>
    public bool? Raw { get; set; }

    /// <summary>The caller's own label, repeated in the result; up to <see cref="KmsLimits.ReferenceLength"/> characters.</summary>
    public string? Reference { get; set; }
}

/// <summary>A ciphertext.</summary>
internal sealed class EncryptAnswer
{
    /// <summary>The key.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; init; }

    /// <summary>The version that encrypted it.</summary>
    [JsonPropertyName("key_version")]
    public required int KeyVersion { get; init; }

    /// <summary>The ciphertext, which names its key and version unless a raw one was asked for.</summary>
    public required byte[] Ciphertext { get; init; }
}

/// <summary>Encrypts under the primary version.</summary>
internal static class EncryptEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        if (Bodies.IsOctets(exchange.Http.Request))
        {
            var associatedData = OctetForm.AssociatedData(exchange);
            var encrypted = await Encryption.Encrypt(exchange, id, await exchange.ReadOctets(exchange.Limits.Plaintext), associatedData);
            await OctetForm.Answer(exchange, id, encrypted.KeyVersion, encrypted.Ciphertext);
            return;
        }

        var body = await exchange.ReadJson(RestJson.Default.EncryptBody, SizeLimits.BatchBody);
        if (body.Items is { } items)
        {
            await EncryptItems(exchange, id, body, items);
            return;
        }

        var plaintext = Fields.Require(body.Plaintext, "plaintext");
        await Answer(exchange, id, await Encryption.Encrypt(exchange, id, plaintext, body.AssociatedData, body.Algorithm, body.Raw));
    }

    /// <summary>Answers with a ciphertext.</summary>
    public static Task Answer(RestExchange exchange, string id, Encrypted encrypted) => exchange.Answer(
        new EncryptAnswer { KeyId = id, KeyVersion = encrypted.KeyVersion, Ciphertext = encrypted.Ciphertext },
        RestJson.Default.EncryptAnswer);

    private static async Task EncryptItems(RestExchange exchange, string id, EncryptBody body, EncryptItemBody[] items)
    {
        if (body.Plaintext is not null || body.AssociatedData is not null || body.Algorithm is not null || body.Raw is not null)
        {
            throw KmsError.InvalidRequest.Exception("'items' must be alone: the other fields belong in each item.");
        }

        Items.Check(items, i => i.Plaintext.Length + (i.AssociatedData?.Length ?? 0), i => i.Reference);
        var results = await Encryption.EncryptMany(
            exchange, id,
            Array.ConvertAll(items, i => new EncryptItem(i.Plaintext, i.AssociatedData) { Algorithm = i.Algorithm, Raw = i.Raw ?? false }));
        await Items.Answer(exchange, items, results, (i, value) => ItemAnswer.Of(i.Reference, id, value));
    }
}
