namespace OrleansKms.Grains.Keys.Rows;

/// <summary>What became of a version that came back with its key's backup.</summary>
internal enum VersionRestoration
{
    /// <summary>Its row has the material.</summary>
    Written,

    /// <summary>It was destroyed in a former life of the key.</summary>
    Destroyed,

    /// <summary>It has a row that does not open, which may say that it was destroyed; it can be replaced once the version is not enabled.</summary>
    InDoubt,
}
