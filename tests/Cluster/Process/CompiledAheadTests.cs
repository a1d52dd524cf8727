using System.Reflection.PortableExecutable;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>Hundreds of processes are started from this build: each costs a quarter less when its packages are compiled ahead.</summary>
public sealed class CompiledAheadTests
{
    [Theory]
    [InlineData("Orleans.Runtime.dll")]
    [InlineData("Orleans.Core.dll")]
    [InlineData("Npgsql.dll")]
    public void Packages_OfTheBuild_AreCompiledAhead(string assembly)
    {
        using var file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, assembly));
        using var reader = new PEReader(file);
        Assert.NotEqual(0, reader.PEHeaders.CorHeader!.ManagedNativeHeaderDirectory.Size);
    }
}
