namespace OrleansKms.Grains.Storage;

/// <summary>
/// A read or write of a row failed, other than by a lost race (which is
/// <see cref="global::Orleans.Storage.InconsistentStateException"/>).
/// </summary>
public sealed class StorageFailedException(string message, bool outcomeUnknown, Exception innerException)
    : Exception(message, innerException)
{
    /// <summary>
    /// Whether a write may have happened nevertheless. False only when the database was certainly not reached or certainly
    /// refused.
    /// </summary>
    public bool OutcomeUnknown { get; } = outcomeUnknown;
}
