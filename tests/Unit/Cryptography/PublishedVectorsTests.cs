using System.Text.RegularExpressions;
using OrleansKms.Tests.Unit.Contracts;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>Every spec is held against vectors that somebody else published: the table of this folder's README.md says which.</summary>
public sealed partial class PublishedVectorsTests
{
    private static readonly string _table = File.ReadAllText(Path.Combine(DocumentsTests.Root, "tests", "Unit", "Cryptography", "README.md"));

    [Fact]
    public void EverySpec_HasARow() => Assert.Equal(
        KeySpec.All.Select(spec => spec.Name).Order(StringComparer.Ordinal),
        Rows().SelectMany(row => Names(row.Groups["specs"].Value)).Order(StringComparer.Ordinal));

    [Fact]
    public void EveryRow_NamesVectors_AndClassesThatTryThem() => Assert.All(Rows(), row =>
    {
        Assert.Matches("RFC|NIST|C2SP|Wycheproof|draft-", row.Groups["vectors"].Value);
        var classes = Names(row.Groups["classes"].Value);
        Assert.NotEmpty(classes);
        Assert.All(classes, name => Assert.Contains(
            typeof(PublishedVectorsTests).Assembly.GetTypes().Where(type => type.Name == name).SelectMany(type => type.GetMethods()),
            method => method.IsDefined(typeof(FactAttribute), inherit: true)));
    });

    private static List<Match> Rows() => Row().Matches(_table).ToList();

    private static List<string> Names(string cell) => [.. Name().Matches(cell).Select(name => name.Groups[1].Value)];

    [GeneratedRegex(@"^\| (?<specs>`[^|]+) \| (?<vectors>[^|]+) \| (?<classes>[^|]+) \|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Name();
}
