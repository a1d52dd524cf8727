namespace OrleansKms;

/// <summary>One decryption or rewrap of a batch.</summary>
/// <param name="Ciphertext">As in <see cref="Decrypt"/>.</param>
/// <param name="AssociatedData">As in <see cref="Decrypt"/>.</param>
[GenerateSerializer, Immutable, Alias("okms.DecryptItem")]
public sealed record DecryptItem([property: Id(0)] byte[] Ciphertext, [property: Id(1)] byte[]? AssociatedData = null)
{
    /// <summary>As <see cref="Decrypt.Algorithm"/>.</summary>
    [Id(2)] public string? Algorithm { get; init; }

    /// <summary>As <see cref="Decrypt.Raw"/>.</summary>
    [Id(3)] public bool Raw { get; init; }

    /// <summary>As <see cref="Decrypt.KeyVersion"/>.</summary>
    [Id(4)] public int? KeyVersion { get; init; }
}
