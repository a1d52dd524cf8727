namespace OrleansKms.Grains.Hsm;

/// <summary>What the background probe knows of the HSM.</summary>
public interface IHsmHealth
{
    /// <summary>Whether the HSM answered the last probe, and has not refused to make or destroy a key lately.</summary>
    bool IsHealthy { get; }

    /// <summary>Why it is not healthy, for anybody to know; null when it is.</summary>
    string? WhyUnhealthy { get; }
}
