namespace OrleansKms;

/// <summary>Many decryptions or rewraps with one key in one call; each item fails or succeeds separately.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Items">
/// Up to <see cref="KmsLimits.BatchItems"/> items, of <see cref="KmsLimits.BatchBytes"/> bytes together.
/// </param>
[GenerateSerializer, Immutable, Alias("okms.DecryptBatch")]
public sealed record DecryptBatch([property: Id(0)] Caller Caller, [property: Id(1)] DecryptItem[] Items) : ICallerRequest
{
    /// <summary>How long the caller waits; null for the default time-out of a request. An item that is not begun by then (each takes milliseconds with RSA) has the error <c>timeout</c>.</summary>
    public TimeSpan? Within
    {
        get => WithinTenths is { } tenths ? TimeSpan.FromMilliseconds(100L * tenths) : null;
        init => WithinTenths = value is { } within ? (int)Math.Ceiling(Math.Clamp(within.TotalSeconds, 0, KmsLimits.MaxRequestTimeout.TotalSeconds) * 10) : null;
    }

    /// <summary><see cref="Within"/> in tenths of a second, as it travels: silos take no number from a message with items that could not be a count.</summary>
    [Id(2)] public int? WithinTenths { get; init; }
}
