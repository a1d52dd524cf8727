using OrleansKms.Grains.Hosting;
using OrleansKms.Tests.Unit.Gateway;

namespace OrleansKms.Tests.Unit.Contracts;

/// <summary>The folders of the grains form layers: each uses only those below it, so that none is in a circle.</summary>
public sealed class FolderLayersTests
{
    // From the lowest to the highest; folders of one layer do not know each other.
    private static readonly string[][] _layers =
    [
        ["Cryptography", "Telemetry"],
        ["Hsm", "Storage"],
        ["Clocks", "Sealing"],
        ["Audit", "Fencing", "Presence"],
        ["Root"],
        ["Providers"],
        ["Keys"],
        ["Access"],
        ["Aliases", "Limits", "Listing", "Services"],
        ["Hosting"],
    ];

    // Within Keys; what lies beside these folders is above them.
    private static readonly string[][] _layersOfKeys = [["Rows"], ["Backups", "History", "Lifecycle", "Usage"], ["Activation"], ["Operations"]];

    [Fact]
    public void Grains_UseOnlyWhatIsBelow()
    {
        var references = new FolderReferences(typeof(KmsGrainsExtensions).Assembly, "OrleansKms.Grains");
        Assert.Equal(_layers.SelectMany(layer => layer).Order(StringComparer.Ordinal), references.Folders.Order(StringComparer.Ordinal));
        Assert.Empty(references.Upward(_layers));
    }

    // What lies beside the folders has no layer, and would pass for that of nobody.
    [Fact]
    public void Grains_LieInFolders() =>
        Assert.DoesNotContain(typeof(KmsGrainsExtensions).Assembly.GetTypes(), type => type.Namespace == "OrleansKms.Grains");

    [Fact]
    public void Keys_UseOnlyWhatIsBelow()
    {
        var references = new FolderReferences(typeof(KmsGrainsExtensions).Assembly, "OrleansKms.Grains.Keys");
        Assert.Equal(_layersOfKeys.SelectMany(layer => layer).Order(StringComparer.Ordinal), references.Folders.Order(StringComparer.Ordinal));
        Assert.Empty(references.Upward(_layersOfKeys));
    }
}
