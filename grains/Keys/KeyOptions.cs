namespace OrleansKms.Grains;

/// <summary>What an operator sets about keys.</summary>
public sealed record KeyOptions
{
    /// <summary>The most bytes of a plaintext: 1 to 1 MiB.</summary>
    public int MaxPlaintextBytes { get; init; } = 64 * 1024;

    /// <summary>The least time between scheduling a deletion and erasing the material.</summary>
    public TimeSpan MinDeletionDelay { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Throws for a value out of range, naming it.</summary>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    public KeyOptions Validated()
    {
        if (MaxPlaintextBytes is < 1 or > KeyLimits.PlaintextCeiling)
        {
            throw new ArgumentException($"{nameof(MaxPlaintextBytes)} must be 1 to {KeyLimits.PlaintextCeiling}.");
        }

        if (MinDeletionDelay < TimeSpan.Zero || MinDeletionDelay > KeyLimits.MaxDeletionDelay)
        {
            throw new ArgumentException($"{nameof(MinDeletionDelay)} must be 0 to {KeyLimits.MaxDeletionDelay.TotalDays} days.");
        }

        return this;
    }
}

/// <summary>Limits that no setting changes.</summary>
public static class KeyLimits
{
    /// <summary>The most that <see cref="KeyOptions.MaxPlaintextBytes"/> may be.</summary>
    public const int PlaintextCeiling = 1024 * 1024;
    /// <summary>The most bytes of associated data.</summary>
    public const int AssociatedDataBytes = 8 * 1024;
    /// <summary>The most bytes of a data key.</summary>
    public const int DataKeyBytes = 1024;
    /// <summary>The most items of a batch.</summary>
    public const int BatchItems = 1000;
    /// <summary>The most bytes of all items of a batch together.</summary>
    public const int BatchBytes = 4 * 1024 * 1024;
    /// <summary>The most characters of a description.</summary>
    public const int DescriptionLength = 1024;
    /// <summary>The most tags.</summary>
    public const int Tags = 50;
    /// <summary>The most characters of a tag's name.</summary>
    public const int TagNameLength = 128;
    /// <summary>The most characters of a tag's value.</summary>
    public const int TagValueLength = 256;
    /// <summary>The most versions of a key: the row that lists them is written whole.</summary>
    public const int Versions = 50_000;
    /// <summary>The longest time to a scheduled deletion.</summary>
    public static readonly TimeSpan MaxDeletionDelay = TimeSpan.FromDays(365);
    /// <summary>The shortest time between rotations.</summary>
    public static readonly TimeSpan MinRotation = TimeSpan.FromSeconds(1);
    /// <summary>The longest time between rotations.</summary>
    public static readonly TimeSpan MaxRotation = TimeSpan.FromDays(3650);
    /// <summary>The most uses after which a rotation can be planned: where AES-GCM rotates anyway.</summary>
    public const long MaxRotationUses = 1L << 31;
}
