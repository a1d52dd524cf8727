namespace OrleansKms;

/// <summary>One encryption of a batch.</summary>
/// <param name="Plaintext">As in <see cref="Encrypt"/>.</param>
/// <param name="AssociatedData">As in <see cref="Encrypt"/>.</param>
[GenerateSerializer, Immutable, Alias("okms.EncryptItem")]
public sealed record EncryptItem([property: Id(0)] byte[] Plaintext, [property: Id(1)] byte[]? AssociatedData = null)
{
    /// <summary>As <see cref="Encrypt.Algorithm"/>.</summary>
    [Id(2)] public string? Algorithm { get; init; }

    /// <summary>As <see cref="Encrypt.Raw"/>.</summary>
    [Id(3)] public bool Raw { get; init; }
}
