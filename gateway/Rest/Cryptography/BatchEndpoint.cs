using System.Text.Json.Serialization;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>Operations on any number of keys.</summary>
internal sealed class BatchBody
{
    /// <summary>1 to <see cref="KmsLimits.BatchItems"/> operations, <see cref="KmsLimits.BatchBytes"/> together.</summary>
    public required BatchOperation[] Operations { get; set; }
}

/// <summary>One operation of a batch; <c>op</c> says which.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "op", UnknownDerivedTypeHandling = JsonUnknownDerivedTypeHandling.FailSerialization)]
[JsonDerivedType(typeof(EncryptOperation), "encrypt")]
[JsonDerivedType(typeof(DecryptOperation), "decrypt")]
[JsonDerivedType(typeof(RewrapOperation), "rewrap")]
[JsonDerivedType(typeof(ReencryptOperation), "reencrypt")]
[JsonDerivedType(typeof(DataKeyOperation), "datakey")]
[JsonDerivedType(typeof(SignOperation), "sign")]
[JsonDerivedType(typeof(VerifyOperation), "verify")]
[JsonDerivedType(typeof(MacOperation), "mac")]
[JsonDerivedType(typeof(VerifyMacOperation), "verify-mac")]
internal abstract class BatchOperation : IReferenced
{
    /// <summary>The caller's own label, repeated in the result; up to <see cref="KmsLimits.ReferenceLength"/> characters.</summary>
    public string? Reference { get; set; }

    /// <summary>How many bytes it counts towards the limit of the batch.</summary>
    [JsonIgnore]
    public abstract long Size { get; }

    /// <summary>Which operation it is.</summary>
    [JsonIgnore]
    public abstract KmsOperation Operation { get; }

    /// <summary>The key that the request names, as the caller wrote it; null where the ciphertext names it.</summary>
    [JsonIgnore]
    public abstract string? KeyInRequest { get; }

    /// <summary>Runs it; throws its error.</summary>
    public abstract Task<ItemAnswer> Run(Call call);
}

/// <summary>An operation that encrypts or decrypts.</summary>
internal abstract class CiphertextOperation : BatchOperation
{
    /// <summary>Authenticated, not encrypted; up to <see cref="KmsLimits.AssociatedDataBytes"/>.</summary>
    [JsonPropertyName("associated_data")]
    public byte[]? AssociatedData { get; set; }

    [JsonIgnore]
    public override long Size => AssociatedData?.Length ?? 0;
}

/// <summary>Encrypts.</summary>
internal sealed class EncryptOperation : CiphertextOperation
{
    /// <summary>The key: an id or an alias.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; set; }

    /// <summary>1 byte to the operator's limit (<see cref="KmsLimits.DefaultPlaintextBytes"/> by default).</summary>
    public required byte[] Plaintext { get; set; }

    /// <summary>One of the key's algorithms; by default the first. Only for RSA keys.</summary>
    public string? Algorithm { get; set; }

    /// <summary>Whether to answer with the bare ciphertext, without the header that names key and version; false by default. Only for RSA keys.</summary>
    public bool? Raw { get; set; }

    [JsonIgnore]
    public override long Size => base.Size + Plaintext.Length;

    [JsonIgnore]
    public override KmsOperation Operation => KmsOperation.Encrypt;

    [JsonIgnore]
    public override string? KeyInRequest => KeyId;

    public override async Task<ItemAnswer> Run(Call call)
    {
        var id = await call.ResolveKey(KeyId, KmsOperation.Encrypt);
        return ItemAnswer.Of(Reference, id, await Encryption.Encrypt(call, id, Plaintext, AssociatedData, Algorithm, Raw));
    }
}

/// <summary>Decrypts.</summary>
internal sealed class DecryptOperation : CiphertextOperation
{
    /// <summary>The key: an id or an alias. May be omitted, since the ciphertext names it.</summary>
    [JsonPropertyName("key_id")]
    public string? KeyId { get; set; }

    /// <summary>A ciphertext of the key.</summary>
    public required byte[] Ciphertext { get; set; }

    /// <summary>One of the key's algorithms; by default the one that the ciphertext names or, of a raw one, the first. Only for RSA keys.</summary>
    public string? Algorithm { get; set; }

    /// <summary>Whether the ciphertext is a bare one, without a header; false by default. Only for RSA keys, and with key_version.</summary>
    public bool? Raw { get; set; }

    /// <summary>The version that a raw ciphertext was encrypted with; only for raw ones.</summary>
    [JsonPropertyName("key_version")]
    public int? KeyVersion { get; set; }

    [JsonIgnore]
    public override long Size => base.Size + SizeLimits.InBatch(Ciphertext);

    [JsonIgnore]
    public override KmsOperation Operation => KmsOperation.Decrypt;

    [JsonIgnore]
    public override string? KeyInRequest => KeyId;

    public override async Task<ItemAnswer> Run(Call call)
    {
        if (KeyId is null)
        {
            Fields.RequireKey(Algorithm, Raw, KeyVersion);
            var named = await Decryption.FindKey(call, Ciphertext, AssociatedData);
            return ItemAnswer.Of(Reference, named, await Decryption.Decrypt(call, named, Ciphertext, AssociatedData));
        }

        var id = await call.ResolveKey(KeyId, KmsOperation.Decrypt);
        var item = DecryptEndpoint.ToMessage(Ciphertext, AssociatedData, Algorithm, Raw, KeyVersion);
        return ItemAnswer.Of(Reference, id, await Decryption.Decrypt(call, id, item));
    }
}

/// <summary>Re-encrypts a ciphertext under the primary version.</summary>
internal sealed class RewrapOperation : CiphertextOperation
{
    /// <summary>The key: an id or an alias.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; set; }

    /// <summary>A ciphertext of the key.</summary>
    public required byte[] Ciphertext { get; set; }

    [JsonIgnore]
    public override long Size => base.Size + SizeLimits.InBatch(Ciphertext);

    [JsonIgnore]
    public override KmsOperation Operation => KmsOperation.Rewrap;

    [JsonIgnore]
    public override string? KeyInRequest => KeyId;

    public override async Task<ItemAnswer> Run(Call call)
    {
        var id = await call.ResolveKey(KeyId, KmsOperation.Rewrap);
        return ItemAnswer.Of(Reference, id, await Encryption.Rewrap(call, id, Ciphertext, AssociatedData));
    }
}

/// <summary>Moves a ciphertext to another key.</summary>
internal sealed class ReencryptOperation : CiphertextOperation
{
    /// <summary>A ciphertext of any key.</summary>
    public required byte[] Ciphertext { get; set; }

    /// <summary>The key to encrypt with: an id or an alias.</summary>
    [JsonPropertyName("destination_key_id")]
    public required string DestinationKeyId { get; set; }

    /// <summary>The associated data of the new ciphertext.</summary>
    [JsonPropertyName("destination_associated_data")]
    public byte[]? DestinationAssociatedData { get; set; }

    [JsonIgnore]
    public override long Size => base.Size + SizeLimits.InBatch(Ciphertext) + (DestinationAssociatedData?.Length ?? 0);

    [JsonIgnore]
    public override KmsOperation Operation => KmsOperation.Reencrypt;

    [JsonIgnore]
    public override string? KeyInRequest => DestinationKeyId;

    public override async Task<ItemAnswer> Run(Call call)
    {
        var destination = await Reencryption.FindDestination(
            call, Ciphertext, AssociatedData, DestinationKeyId, DestinationAssociatedData);
        var answer = await Reencryption.Reencrypt(
            call, Ciphertext, AssociatedData, destination, DestinationAssociatedData);
        return new ItemAnswer
        {
            Reference = Reference,
            KeyId = answer.KeyId,
            KeyVersion = answer.KeyVersion,
            Ciphertext = answer.Ciphertext,
        };
    }
}

/// <summary>Generates a data key.</summary>
internal sealed class DataKeyOperation : CiphertextOperation
{
    /// <summary>The key: an id or an alias.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; set; }

    /// <summary>
    /// The data key's length in bytes, 1 to <see cref="KmsLimits.DataKeyBytes"/>; <see cref="KmsLimits.DefaultDataKeyBytes"/> by default.
    /// </summary>
    public int? Bytes { get; set; }

    /// <summary>Whether to return it in the clear too; true by default.</summary>
    public bool? Plaintext { get; set; }

    [JsonIgnore]
    public override KmsOperation Operation => KmsOperation.GenerateDataKey;

    [JsonIgnore]
    public override string? KeyInRequest => KeyId;

    public override async Task<ItemAnswer> Run(Call call)
    {
        var id = await call.ResolveKey(KeyId, KmsOperation.GenerateDataKey);
        return ItemAnswer.Of(Reference, id, await Encryption.GenerateDataKey(call, id, Bytes, Plaintext, AssociatedData));
    }
}

/// <summary>Runs operations on many keys in parallel; each fails or succeeds separately.</summary>
internal static class BatchEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var body = await exchange.ReadJson(RestJson.Default.BatchBody, SizeLimits.BatchBody);
        Items.Check(body.Operations, o => o.Size, o => o.Reference);
        exchange.PartOf = KmsOperation.RunBatch;
        var results = await Task.WhenAll(body.Operations.Select(operation => Run(exchange, operation)));
        await exchange.Answer(new BatchAnswer { Results = results }, RestJson.Default.BatchAnswer);
    }

    // One operation without an answer must not take down the others, so each has the whole deadline to itself.
    private static async Task<ItemAnswer> Run(RestExchange exchange, BatchOperation operation)
    {
        try
        {
            return await exchange.Within(operation.Run(exchange));
        }
        catch (Exception e)
        {
            return new ItemAnswer { Reference = operation.Reference, Error = ErrorAnswer.Of(await exchange.FailureOf(e, operation.Operation, operation.KeyInRequest)) };
        }
    }
}
