namespace OrleansKms.Grains.Providers;

/// <summary>What the rows of keys say about a provider's objects.</summary>
internal interface IKeyRecords
{
    /// <summary>Finds what is recorded about something that a provider made for a version.</summary>
    /// <param name="name">The version.</param>
    /// <param name="kept">The bytes that the provider gave to keep.</param>
    /// <exception cref="Storage.StorageFailedException">The database did not answer.</exception>
    ValueTask<RecordedAs> Find(KeyVersionName name, ReadOnlyMemory<byte> kept);
}

/// <summary>What a row says about a provider's object.</summary>
internal enum RecordedAs
{
    /// <summary>It belongs to the version, or that cannot be told.</summary>
    Kept,

    /// <summary>No row names it.</summary>
    Unknown,

    /// <summary>It is left over from a destroyed version.</summary>
    Destroyed,
}
