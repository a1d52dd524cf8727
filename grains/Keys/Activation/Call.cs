namespace OrleansKms.Grains.Keys.Activation;

/// <summary>One call of a key, from its arrival until its answer or refusal leaves.</summary>
/// <param name="Operation">The operation.</param>
/// <param name="Caller">The caller.</param>
/// <param name="Items">The number of items; 1 for a call that is not a batch.</param>
/// <param name="StartedAt">A time stamp; 0 where nothing measures the duration.</param>
internal readonly record struct Call(KmsOperation Operation, Caller Caller, int Items, long StartedAt)
{
    /// <summary>The caller's associated data, for the audit trail.</summary>
    public byte[]? AssociatedData { get; init; }

    /// <summary>The kind of ciphertext given or requested, for the key's own policy.</summary>
    public CiphertextKind Kind { get; init; }

    /// <summary>Bytes of plaintext in the call.</summary>
    public int? Bytes { get; init; }

    /// <summary>Anything else for the audit trail; null for nothing.</summary>
    public string? Detail { get; init; }

    /// <summary>The version that it changes.</summary>
    public int? Version { get; init; }
}
