namespace OrleansKms.Gateway.Observability;

/// <summary>How far the start of a process that is itself a silo has got.</summary>
internal interface IStartProgress
{
    /// <summary>What it waits for.</summary>
    StartStep Step { get; }

    /// <summary>Whether an HSM is configured.</summary>
    bool HasHsm { get; }
}
