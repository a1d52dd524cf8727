namespace OrleansKms.Grains.Audit.Trail;

/// <summary>When a record file is full.</summary>
/// <param name="MaxBytes">The size at which the next one starts.</param>
/// <param name="MaxAge">The age at which the next one starts.</param>
internal readonly record struct FileLimits(long MaxBytes, TimeSpan MaxAge);
