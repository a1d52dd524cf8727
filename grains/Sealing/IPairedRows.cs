namespace OrleansKms.Grains.Sealing;

/// <summary>A storage of rows that can insert two rows of a grain in one transaction, and read two in one query.</summary>
internal interface IPairedRows
{
    /// <summary>Inserts two rows, both or neither.</summary>
    /// <param name="grainId">Their grain.</param>
    /// <param name="firstName">The name of the first.</param>
    /// <param name="first">The first; gets its ETag.</param>
    /// <param name="secondName">The name of the second.</param>
    /// <param name="second">The second; gets its ETag.</param>
    /// <exception cref="global::Orleans.Storage.InconsistentStateException">One of them exists.</exception>
    /// <exception cref="Storage.StorageFailedException">The database did not write them, or did not say so.</exception>
    Task InsertBoth<TFirst, TSecond>(
        GrainId grainId, string firstName, IGrainState<TFirst> first, string secondName, IGrainState<TSecond> second);

    /// <summary>Reads two rows as they are at one moment.</summary>
    /// <param name="grainId">Their grain.</param>
    /// <param name="firstName">The name of the first.</param>
    /// <param name="first">The first.</param>
    /// <param name="secondName">The name of the second.</param>
    /// <param name="second">The second.</param>
    /// <returns>False if the second does not open; whoever needs it reads it alone, and learns why.</returns>
    /// <exception cref="KmsException">key_corrupted: the first does not open.</exception>
    /// <exception cref="Storage.StorageFailedException">The database did not answer.</exception>
    Task<bool> ReadBoth<TFirst, TSecond>(
        GrainId grainId, string firstName, IGrainState<TFirst> first, string secondName, IGrainState<TSecond> second);
}
