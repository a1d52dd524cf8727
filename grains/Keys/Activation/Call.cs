namespace OrleansKms.Grains.Keys.Activation;

/// <summary>One call of a key, from its arrival until its answer or its refusal leaves.</summary>
/// <param name="Operation">What is asked for.</param>
/// <param name="Caller">Who asks.</param>
/// <param name="Items">How many items the call has; 1 where it is none of many.</param>
/// <param name="StartedAt">A time stamp; 0 where nobody reads how long it takes.</param>
internal readonly record struct Call(KmsOperation Operation, Caller Caller, int Items, long StartedAt)
{
    /// <summary>The caller's associated data, for the audit trail.</summary>
    public byte[]? AssociatedData { get; init; }

    /// <summary>Bytes of plaintext that came with the call.</summary>
    public int? Bytes { get; init; }

    /// <summary>The version that it changes.</summary>
    public int? Version { get; init; }
}
