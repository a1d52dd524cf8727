namespace OrleansKms.Grains.Providers;

/// <summary>What keys the HSM can hold.</summary>
public interface IHsmSpecs
{
    /// <summary>
    /// The specs of which keys can be created now, since they worked when they were tried: for the usage that is their default, unless one
    /// follows behind a colon; behind another one follows an algorithm, where it is not all of them that worked.
    /// </summary>
    IEnumerable<string> Specs { get; }
}
