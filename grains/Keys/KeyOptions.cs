namespace OrleansKms.Grains;

/// <summary>What an operator sets about keys.</summary>
public sealed record KeyOptions
{
    /// <summary>The most bytes of a plaintext: 1 to 1 MiB.</summary>
    public int MaxPlaintextBytes { get; init; } = KmsLimits.DefaultPlaintextBytes;

    /// <summary>The least time between scheduling a deletion and erasing the material.</summary>
    public TimeSpan MinDeletionDelay { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Throws for a value out of range, naming it.</summary>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    public KeyOptions Validated()
    {
        if (MaxPlaintextBytes is < 1 or > KmsLimits.PlaintextBytes)
        {
            throw new ArgumentException($"{nameof(MaxPlaintextBytes)} must be 1 to {KmsLimits.PlaintextBytes}.");
        }

        if (MinDeletionDelay < TimeSpan.Zero || MinDeletionDelay > KmsLimits.MaxDeletionDelay)
        {
            throw new ArgumentException($"{nameof(MinDeletionDelay)} must be 0 to {KmsLimits.MaxDeletionDelay.TotalDays} days.");
        }

        return this;
    }
}
