namespace OrleansKms.Grains.Hsm;

/// <summary>What the background probe knows of the HSM.</summary>
public interface IHsmHealth
{
    /// <summary>Whether the HSM answered the last probe.</summary>
    bool IsHealthy { get; }
}
