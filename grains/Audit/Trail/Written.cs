namespace OrleansKms.Grains.Audit.Trail;

/// <summary>How far a log is written.</summary>
/// <param name="Records">The number of records in its files.</param>
/// <param name="File">The current file.</param>
/// <param name="Length">Its length in bytes, up to the end of the last record.</param>
internal readonly record struct Written(long Records, RecordFile File, long Length);
