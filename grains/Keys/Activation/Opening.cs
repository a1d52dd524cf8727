using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>The outcome of opening a version.</summary>
internal enum OpeningOutcome
{
    /// <summary>It is open.</summary>
    Opened,

    /// <summary>It was closed again while its row was read. The caller checks again whether it may be used.</summary>
    ClosedMeanwhile,

    /// <summary>It may no longer be used.</summary>
    NotUsable,
}

/// <summary>The outcome of opening a version, with the version.</summary>
/// <param name="Outcome">The outcome.</param>
/// <param name="Version">The version; null unless it is open.</param>
internal readonly record struct Opening(OpeningOutcome Outcome, IKeyVersion? Version)
{
    /// <summary>It was closed again.</summary>
    public static Opening ClosedMeanwhile => new(OpeningOutcome.ClosedMeanwhile, null);

    /// <summary>It may not be used.</summary>
    public static Opening NotUsable => new(OpeningOutcome.NotUsable, null);

    /// <summary>It is open.</summary>
    public static Opening Of(IKeyVersion version) => new(OpeningOutcome.Opened, version);
}
