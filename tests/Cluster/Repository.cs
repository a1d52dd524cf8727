namespace OrleansKms.Tests.Cluster;

/// <summary>The checkout that the tests were built from: its README, its scripts and manifests are tested, too.</summary>
internal static class Repository
{
    /// <summary>Its top directory.</summary>
    public static string Root { get; } = FindRoot();

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "OrleansKms.sln")))
        {
            directory = directory.Parent ?? throw new InvalidOperationException("The solution was not found above the tests.");
        }

        return directory.FullName;
    }
}
