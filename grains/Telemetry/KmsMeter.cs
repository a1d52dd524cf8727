namespace OrleansKms.Grains.Telemetry;

/// <summary>The meter of everything that grains and what is under them measure.</summary>
internal static class KmsMeter
{
    /// <summary>Its name.</summary>
    public const string Name = "OrleansKms";
}
