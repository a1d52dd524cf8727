using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Root;

/// <summary>
/// A root key other than the silos' own: one to change to, to fall back on, or to retire. One of the two properties is set.
/// </summary>
public sealed record OtherRootOptions
{
    /// <summary>The absolute path of its file; null for a root in an HSM.</summary>
    public string? KeyFile { get; init; }

    /// <summary>Its HSM; null for a root in a file.</summary>
    public HsmOptions? Hsm { get; init; }
}
