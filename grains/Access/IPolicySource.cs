namespace OrleansKms.Grains.Access;

/// <summary>Finds policies by their names.</summary>
internal interface IPolicySource
{
    /// <summary>A policy: one of those that are built in, or one that is stored.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="view">What tells an old copy of a row.</param>
    /// <returns>Null where there is none, and where its row cannot be believed: who has it may do nothing then.</returns>
    /// <exception cref="Storage.StorageFailedException">The database did not answer.</exception>
    ValueTask<Policy?> Find(string name, AccessView view);
}
