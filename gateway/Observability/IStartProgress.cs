namespace OrleansKms.Gateway.Observability;

/// <summary>How far a process that is itself a silo has come with its start.</summary>
internal interface IStartProgress
{
    /// <summary>What it waits for.</summary>
    StartStep Step { get; }

    /// <summary>Whether an HSM is configured.</summary>
    bool HasHsm { get; }
}
