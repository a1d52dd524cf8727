using System.Text.Json.Serialization;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>Makes a MAC.</summary>
internal sealed class MacOperation : BatchOperation
{
    /// <summary>The key: an id or an alias.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; set; }

    /// <summary>The message, up to the operator's limit (<see cref="KmsLimits.DefaultPlaintextBytes"/> by default); it may be empty.</summary>
    public required byte[] Message { get; set; }

    [JsonIgnore]
    public override long Size => Message.Length;

    [JsonIgnore]
    public override KmsOperation Operation => KmsOperation.GenerateMac;

    [JsonIgnore]
    public override string? KeyInRequest => KeyId;

    public override async Task<ItemAnswer> Run(Call call)
    {
        var id = await call.ResolveKey(KeyId, KmsOperation.GenerateMac);
        return ItemAnswer.Of(Reference, id, await Macs.Generate(call, id, new(Message)));
    }
}

/// <summary>Verifies a MAC.</summary>
internal sealed class VerifyMacOperation : BatchOperation
{
    /// <summary>The key: an id or an alias.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; set; }

    /// <summary>The message, up to the operator's limit (<see cref="KmsLimits.DefaultPlaintextBytes"/> by default); it may be empty.</summary>
    public required byte[] Message { get; set; }

    /// <summary>The whole MAC; a truncated one is refused.</summary>
    public required byte[] Mac { get; set; }

    /// <summary>The version that must have made it; by default every one that may is tried.</summary>
    [JsonPropertyName("key_version")]
    public int? KeyVersion { get; set; }

    [JsonIgnore]
    public override long Size => Message.Length;

    [JsonIgnore]
    public override KmsOperation Operation => KmsOperation.VerifyMac;

    [JsonIgnore]
    public override string? KeyInRequest => KeyId;

    public override async Task<ItemAnswer> Run(Call call)
    {
        var id = await call.ResolveKey(KeyId, KmsOperation.VerifyMac);
        return ItemAnswer.Of(Reference, id, await Macs.Verify(call, id, new(Message, Mac, KeyVersion)));
    }
}
