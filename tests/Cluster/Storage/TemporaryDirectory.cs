namespace OrleansKms.Tests.Cluster.Storage;

/// <summary>A directory that goes with the test.</summary>
public sealed class TemporaryDirectory
{
    public string Path { get; } = Directory.CreateTempSubdirectory("okms-test-").FullName;

    public void Delete() => Directory.Delete(Path, recursive: true);
}
