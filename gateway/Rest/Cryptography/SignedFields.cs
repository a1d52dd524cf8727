using OrleansKms.Gateway.Json;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>What is signed, and how: the fields that signing and verifying share.</summary>
internal abstract class SignedFields
{
    /// <summary>The message, up to the operator's limit (<see cref="KmsLimits.DefaultPlaintextBytes"/> by default); it may be empty. Or digest.</summary>
    public byte[]? Message { get; set; }

    /// <summary>The message's digest under the algorithm's hash, instead of the message. Not for ED25519, ML-DSA and SLH-DSA.</summary>
    public byte[]? Digest { get; set; }

    /// <summary>One of the key's algorithms; by default the first.</summary>
    public string? Algorithm { get; set; }

    /// <summary>The encoding of an ECDSA signature: der (the default) or p1363.</summary>
    public string? Encoding { get; set; }

    /// <summary>Signed with the message by ML-DSA and SLH-DSA; up to <see cref="KmsLimits.ContextBytes"/> bytes.</summary>
    public byte[]? Context { get; set; }

    /// <summary>How many bytes it counts towards the limit of a batch.</summary>
    internal virtual long CountedBytes => (Message?.Length ?? 0) + (Digest?.Length ?? 0) + (Context?.Length ?? 0);

    /// <summary>Whether any field is given, as beside <c>items</c> none may be.</summary>
    internal bool IsGiven => Message is not null || Digest is not null || Algorithm is not null || Encoding is not null || Context is not null;

    /// <summary>What is signed, for the grain.</summary>
    /// <exception cref="KmsException">invalid_request, invalid_parameter.</exception>
    internal SignItem ToItem() => ToItem(Message, Digest, Algorithm, Encoding, Context);

    /// <summary>What is signed, for the grain.</summary>
    /// <exception cref="KmsException">invalid_request, invalid_parameter.</exception>
    internal static SignItem ToItem(byte[]? message, byte[]? digest, string? algorithm, string? encoding, byte[]? context) =>
        message is null == digest is null
            ? throw KmsError.InvalidRequest.Exception("Either 'message' or 'digest' must be given.")
            : new(message ?? digest!, digest is not null, algorithm, WireNames<SignatureEncoding>.Parse(encoding, "encoding"), context);
}
