namespace OrleansKms.Grains.Providers;

/// <summary>What the rows of keys say of what a provider has.</summary>
internal interface IKeyRecords
{
    /// <summary>Finds what is recorded of something that a provider has made for a version.</summary>
    /// <param name="name">The version.</param>
    /// <param name="kept">What the provider gave to keep of it.</param>
    /// <exception cref="Storage.StorageFailedException">The database did not answer.</exception>
    ValueTask<RecordedAs> Find(KeyVersionName name, ReadOnlyMemory<byte> kept);
}

/// <summary>What a row says of something that a provider has.</summary>
internal enum RecordedAs
{
    /// <summary>It is the version's, or that cannot be said.</summary>
    Kept,

    /// <summary>No row has it.</summary>
    Unknown,

    /// <summary>It is what is left of a destroyed version.</summary>
    Destroyed,
}
