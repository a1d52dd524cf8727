using System.Text.RegularExpressions;

namespace OrleansKms.Tests.Cluster.Deploy;

/// <summary>What the images are built from, as far as that shows without an engine that builds them.</summary>
public sealed partial class ImageContextTests
{
    /// <summary>MSBuild reads these before any project; without one of them every build in an image fails.</summary>
    [Fact]
    public void EveryFileThatAllProjectsImport_IsCopiedBeforeTheRestore_AndIsInTheContext()
    {
        string[] known = ["Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props"];
        var files = known.Concat(known.SelectMany(file => Import().Matches(Manifests.Text(file)).Select(import => import.Groups["file"].Value))).ToList();
        Assert.All(files, file => Assert.True(File.Exists(Path.Combine(Repository.Root, file)), file));
        var text = Manifests.Text("deploy/images/okms.Dockerfile");
        var copied = text[..text.IndexOf("dotnet restore", StringComparison.Ordinal)].Split(['\n', ' ']);
        var context = Manifests.Text(".dockerignore").Split('\n');
        Assert.All(files, file =>
        {
            Assert.Contains(file, copied);
            Assert.Contains("!" + file, context);
        });
        Assert.Contains(files, file => !known.Contains(file));
    }

    [GeneratedRegex("<Import Project=\"(?<file>[^\"$]+)\"")]
    private static partial Regex Import();
}
