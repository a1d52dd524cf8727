using System.Text.RegularExpressions;

namespace OrleansKms.Tests.Unit.Contracts;

/// <summary>How the source is laid out in files: a reader who knows a type's name knows its file.</summary>
public sealed partial class SourceFilesTests
{
    private const int MaxKeyClassLines = 400;

    private static readonly string[] _files =
    [
        .. Directory.EnumerateFiles(DocumentsTests.Root, "*.cs", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.Hidden })
            .Select(path => Path.GetRelativePath(DocumentsTests.Root, path))
            .Where(path => !path.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj" or "artifacts")),
    ];

    [Fact]
    public void File_IsCalledAfterATypeInIt()
    {
        Assert.NotEmpty(_files);
        Assert.DoesNotContain(_files, file => TypesIn(file) is { Count: > 0 } types && !types.Contains(NameOf(file)));
    }

    [Fact]
    public void ClassOfKeys_FitsInAFewPages()
    {
        var classes = _files.Where(file => file.StartsWith(Path.Combine("grains", "Keys"), StringComparison.Ordinal))
            .GroupBy(NameOf)
            .Select(files => (Name: files.Key, Lines: files.Sum(file => File.ReadLines(Path.Combine(DocumentsTests.Root, file)).Count())))
            .ToList();
        Assert.NotEmpty(classes);
        Assert.DoesNotContain(classes, one => one.Lines > MaxKeyClassLines);
    }

    /// <summary>The generator writes those of several files in another order each time, and then two builds of the same source differ.</summary>
    [Fact]
    public void LogMessagesOfAClass_AreInOneFile()
    {
        var classes = _files.Where(file => !file.StartsWith("tests", StringComparison.Ordinal)
                && File.ReadAllText(Path.Combine(DocumentsTests.Root, file)).Contains("[LoggerMessage(", StringComparison.Ordinal))
            .GroupBy(file => Path.Combine(Path.GetDirectoryName(file)!, NameOf(file)))
            .ToList();
        Assert.NotEmpty(classes);
        Assert.All(classes, files => Assert.Single(files));
    }

    // A partial class has files KeyRing.cs and KeyRing.Changes.cs.
    private static string NameOf(string file) => Path.GetFileName(file).Split('.')[0];

    private static HashSet<string> TypesIn(string file) =>
        TypeAtTheMargin().Matches(File.ReadAllText(Path.Combine(DocumentsTests.Root, file)))
            .Select(type => type.Groups["name"].Value)
            .ToHashSet(StringComparer.Ordinal);

    [GeneratedRegex(
        @"^(\[[^\n]*\] )?([a-z]+ )*(class|struct|interface|enum|record|delegate [\w<>]+) (?<name>\w+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex TypeAtTheMargin();
}
