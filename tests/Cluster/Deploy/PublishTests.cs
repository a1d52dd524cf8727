using System.Runtime.InteropServices;
using OrleansKms.Silo.Hosting;

namespace OrleansKms.Tests.Cluster.Deploy;

/// <summary>What a published program is made of; deploy/publish.sh starts what it has made.</summary>
public sealed class PublishTests
{
    /// <summary>Orleans' packages bring what its code generator is made with.</summary>
    [Fact]
    public void Program_HoldsNoCodeGeneration()
    {
        var files = Directory.GetFiles(AppContext.BaseDirectory, "*.dll").Select(file => Path.GetFileName(file)).ToList();
        Assert.Contains("Orleans.Runtime.dll", files);
        Assert.DoesNotContain(files, IsCodeGeneration);
        var dependencies = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "okms.deps.json"));
        Assert.Contains("Orleans.Core.dll", dependencies, StringComparison.Ordinal);
        Assert.DoesNotContain("/Microsoft.CodeAnalysis.dll", dependencies, StringComparison.Ordinal);
    }

    [Fact]
    public void EmbeddedSqlite_LoadsFromMemory_AndLeavesNoFile()
    {
        using var library = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "runtimes", RuntimeInformation.RuntimeIdentifier, "native", EmbeddedSqlite.FileName));
        var handle = EmbeddedSqlite.Load(library);
        Assert.True(NativeLibrary.TryGetExport(handle, "sqlite3_open_v2", out _));
        Assert.Contains(
            File.ReadLines("/proc/self/maps"),
            line => line.Contains($"/memfd:{EmbeddedSqlite.FileName}", StringComparison.Ordinal));
    }

    private static bool IsCodeGeneration(string file) =>
        file.StartsWith("Microsoft.CodeAnalysis.", StringComparison.Ordinal) || file.StartsWith("Humanizer", StringComparison.Ordinal)
        || file.StartsWith("System.Composition.", StringComparison.Ordinal);
}
