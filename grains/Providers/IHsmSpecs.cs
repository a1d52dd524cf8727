namespace OrleansKms.Grains.Providers;

/// <summary>What keys the HSM can hold.</summary>
public interface IHsmSpecs
{
    /// <summary>The specs of which keys can be created now: those that worked when they were tried.</summary>
    IEnumerable<string> Specs { get; }
}
