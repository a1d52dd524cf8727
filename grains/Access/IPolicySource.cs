namespace OrleansKms.Grains.Access;

/// <summary>Finds policies by name.</summary>
internal interface IPolicySource
{
    /// <summary>A policy, built in or stored.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="view">Detects an old copy of the row.</param>
    /// <returns>Null if it does not exist or its row cannot be trusted; its principals may then do nothing.</returns>
    /// <exception cref="Storage.StorageFailedException">The database did not answer.</exception>
    ValueTask<Policy?> Find(string name, AccessView view);
}
