namespace OrleansKms.Grains.Hsm;

/// <summary>The HSM's health, as the background probe sees it.</summary>
public interface IHsmHealth
{
    /// <summary>Whether the HSM answered the last probe, and has not recently refused to make or destroy a key.</summary>
    bool IsHealthy { get; }

    /// <summary>Why it is not healthy, in words that anyone may read; null when it is.</summary>
    string? WhyUnhealthy { get; }
}
