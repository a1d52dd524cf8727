namespace OrleansKms;

/// <summary>Encrypts under the primary version.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Plaintext">1 byte to the operator's limit (64 KiB).</param>
/// <param name="AssociatedData">Authenticated, not encrypted; null for none; up to 8 KiB.</param>
/// <param name="Kind">What the ciphertext is marked to hold. Services on HTTP can only make <see cref="CiphertextKind.Data"/>.</param>
[GenerateSerializer, Immutable, Alias("okms.Encrypt")]
public sealed record Encrypt(
    [property: Id(0)] Caller Caller,
    [property: Id(1)] byte[] Plaintext,
    [property: Id(2)] byte[]? AssociatedData = null,
    [property: Id(3)] CiphertextKind Kind = CiphertextKind.Data) : ICallerRequest;

/// <summary>A ciphertext and the version that made it.</summary>
/// <param name="KeyVersion">The version.</param>
/// <param name="Ciphertext">The self-describing ciphertext; see FORMAT.md.</param>
[GenerateSerializer, Immutable, Alias("okms.Encrypted")]
public sealed record Encrypted([property: Id(0)] int KeyVersion, [property: Id(1)] byte[] Ciphertext);

/// <summary>Decrypts with the version that the ciphertext names; also the request of a rewrap.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Ciphertext">A ciphertext of this key.</param>
/// <param name="AssociatedData">What it was made with; null and empty are the same.</param>
[GenerateSerializer, Immutable, Alias("okms.Decrypt")]
public sealed record Decrypt(
    [property: Id(0)] Caller Caller,
    [property: Id(1)] byte[] Ciphertext,
    [property: Id(2)] byte[]? AssociatedData = null) : ICallerRequest;

/// <summary>A plaintext, what kind it is, and the version that had encrypted it.</summary>
/// <param name="KeyVersion">The version.</param>
/// <param name="Kind">What the ciphertext held.</param>
/// <param name="Plaintext">The plaintext.</param>
[GenerateSerializer, Immutable, Alias("okms.Decrypted")]
public sealed record Decrypted(
    [property: Id(0)] int KeyVersion,
    [property: Id(1)] CiphertextKind Kind,
    [property: Id(2)] byte[] Plaintext)
{
    /// <summary>Names the kind and the length, never the plaintext.</summary>
    public override string ToString() => $"Decrypted {{ KeyVersion = {KeyVersion}, Kind = {Kind}, Length = {Plaintext.Length} }}";
}

/// <summary>Makes a data key: random bytes, in the clear and encrypted under this key.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Bytes">Its length, 1 to 1024 bytes.</param>
/// <param name="WithPlaintext">Whether the answer has it in the clear.</param>
/// <param name="AssociatedData">Authenticated with the ciphertext; null for none.</param>
[GenerateSerializer, Immutable, Alias("okms.GenerateDataKey")]
public sealed record GenerateDataKey(
    [property: Id(0)] Caller Caller,
    [property: Id(1)] int Bytes,
    [property: Id(2)] bool WithPlaintext,
    [property: Id(3)] byte[]? AssociatedData = null) : ICallerRequest;

/// <summary>A data key.</summary>
/// <param name="KeyVersion">The version that encrypted it.</param>
/// <param name="Plaintext">The data key in the clear, or null when it was not asked for.</param>
/// <param name="Ciphertext">The data key encrypted; decrypt answers it with kind <see cref="CiphertextKind.DataKey"/>.</param>
[GenerateSerializer, Immutable, Alias("okms.DataKey")]
public sealed record DataKey(
    [property: Id(0)] int KeyVersion,
    [property: Id(1)] byte[]? Plaintext,
    [property: Id(2)] byte[] Ciphertext)
{
    /// <summary>Names the version, never the data key.</summary>
    public override string ToString() => $"DataKey {{ KeyVersion = {KeyVersion} }}";
}

/// <summary>Many encryptions with one key, in one call; each item fails or succeeds by itself.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Items">Up to 1,000 items, 4 MiB together.</param>
[GenerateSerializer, Immutable, Alias("okms.EncryptBatch")]
public sealed record EncryptBatch([property: Id(0)] Caller Caller, [property: Id(1)] EncryptItem[] Items) : ICallerRequest;

/// <summary>One encryption of a batch.</summary>
/// <param name="Plaintext">As in <see cref="Encrypt"/>.</param>
/// <param name="AssociatedData">As in <see cref="Encrypt"/>.</param>
[GenerateSerializer, Immutable, Alias("okms.EncryptItem")]
public sealed record EncryptItem([property: Id(0)] byte[] Plaintext, [property: Id(1)] byte[]? AssociatedData = null);

/// <summary>Many decryptions or rewraps with one key, in one call; each item fails or succeeds by itself.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Items">Up to 1,000 items, 4 MiB together.</param>
[GenerateSerializer, Immutable, Alias("okms.DecryptBatch")]
public sealed record DecryptBatch([property: Id(0)] Caller Caller, [property: Id(1)] DecryptItem[] Items) : ICallerRequest;

/// <summary>One decryption or rewrap of a batch.</summary>
/// <param name="Ciphertext">As in <see cref="Decrypt"/>.</param>
/// <param name="AssociatedData">As in <see cref="Decrypt"/>.</param>
[GenerateSerializer, Immutable, Alias("okms.DecryptItem")]
public sealed record DecryptItem([property: Id(0)] byte[] Ciphertext, [property: Id(1)] byte[]? AssociatedData = null);
