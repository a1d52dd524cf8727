using OrleansKms.Configuration;

namespace OrleansKms.Grains.Keys;

/// <summary>The operator's settings for keys.</summary>
public sealed record KeyOptions
{
    /// <summary>The maximum length of a plaintext in bytes.</summary>
    public int MaxPlaintextBytes { get; init; } = (int)SettingTable.MaxPlaintextBytes.Default;

    /// <summary>The minimum time between scheduling a deletion and erasing the material.</summary>
    public TimeSpan MinDeletionDelay { get; init; } = SettingTable.MinDeletionDelay.Default;

    /// <summary>Throws for a value out of range, naming it.</summary>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    public KeyOptions Validated()
    {
        if (!SettingTable.MaxPlaintextBytes.Allows(MaxPlaintextBytes))
        {
            throw new ArgumentException($"{nameof(MaxPlaintextBytes)} must be {SettingTable.MaxPlaintextBytes.Rule}.");
        }

        if (!SettingTable.MinDeletionDelay.Allows(MinDeletionDelay))
        {
            throw new ArgumentException($"{nameof(MinDeletionDelay)} must be {SettingTable.MinDeletionDelay.Rule}.");
        }

        return this;
    }
}
