using System.Text.Json.Serialization;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>An operation of a batch on something that is signed.</summary>
internal abstract class SignedOperation : BatchOperation
{
    /// <summary>The key: an id or an alias.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; set; }

    /// <summary>The message, up to the operator's limit (<see cref="KmsLimits.DefaultPlaintextBytes"/> by default); it may be empty. Or digest.</summary>
    public byte[]? Message { get; set; }

    /// <summary>The message's digest under the algorithm's hash, instead of the message.</summary>
    public byte[]? Digest { get; set; }

    /// <summary>One of the key's algorithms; by default the first.</summary>
    public string? Algorithm { get; set; }

    /// <summary>The encoding of an ECDSA signature: der (the default) or p1363.</summary>
    public string? Encoding { get; set; }

    /// <summary>Signed with the message by ML-DSA and SLH-DSA; up to <see cref="KmsLimits.ContextBytes"/> bytes.</summary>
    public byte[]? Context { get; set; }

    [JsonIgnore]
    public override long Size => (Message?.Length ?? 0) + (Digest?.Length ?? 0) + (Context?.Length ?? 0);

    [JsonIgnore]
    public override string? KeyInRequest => KeyId;

    /// <summary>What is signed, for the grain.</summary>
    protected SignItem ToItem() => SignedFields.ToItem(Message, Digest, Algorithm, Encoding, Context);
}

/// <summary>Signs.</summary>
internal sealed class SignOperation : SignedOperation
{
    [JsonIgnore]
    public override KmsOperation Operation => KmsOperation.Sign;

    public override async Task<ItemAnswer> Run(Call call)
    {
        var id = await call.ResolveKey(KeyId, KmsOperation.Sign);
        return ItemAnswer.Of(Reference, id, await Signing.Sign(call, id, ToItem()));
    }
}

/// <summary>Verifies a signature.</summary>
internal sealed class VerifyOperation : SignedOperation
{
    /// <summary>The signature.</summary>
    public required byte[] Signature { get; set; }

    /// <summary>The version that must have made it; by default every one that may is tried.</summary>
    [JsonPropertyName("key_version")]
    public int? KeyVersion { get; set; }

    [JsonIgnore]
    public override long Size => base.Size + Signature.Length;

    [JsonIgnore]
    public override KmsOperation Operation => KmsOperation.Verify;

    public override async Task<ItemAnswer> Run(Call call)
    {
        var id = await call.ResolveKey(KeyId, KmsOperation.Verify);
        return ItemAnswer.Of(Reference, id, await Signing.Verify(call, id, new(ToItem(), Signature, KeyVersion)));
    }
}
