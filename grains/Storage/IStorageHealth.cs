namespace OrleansKms.Grains.Storage;

/// <summary>Whether the database answers, as the background probe last found it.</summary>
public interface IStorageHealth
{
    /// <summary>Whether the last probe succeeded.</summary>
    bool IsHealthy { get; }
}
