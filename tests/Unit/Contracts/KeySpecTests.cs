using System.Text.Json;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Tests.Unit.Contracts;

/// <summary>The table of key specs, the algorithms of silos and the documents are one list.</summary>
public sealed class KeySpecTests
{
    [Fact]
    public void Table_IsThatOfTheAlgorithms() => Assert.Equal(
        KeyAlgorithms.All.Select(algorithm => Row(algorithm.Spec, algorithm.Usages, algorithm.Usages.SelectMany(algorithm.AlgorithmNames))),
        KeySpec.All.Select(spec => Row(spec.Name, spec.Usages, spec.Algorithms)));

    [Fact]
    public void Default_IsTheFirst() => Assert.Equal(CreateKey.DefaultSpec, KeySpec.All[0].Name);

    [Fact]
    public void Documents_HaveTheSameTable()
    {
        var readme = File.ReadAllText(Path.Combine(DocumentsTests.Root, "gateway", "README.md"));
        var rows = KeySpec.All
            .GroupBy(spec => (Usages: Names(spec.Usages.Select(Wire)), Algorithms: Names(spec.Algorithms)))
            .Select(group => $"| {Names(group.Select(spec => spec.Name))} | {group.Key.Usages} | {group.Key.Algorithms} |");
        Assert.Contains("| spec | usage | algorithms |\n|---|---|---|\n" + string.Join('\n', rows) + "\n\n", readme, StringComparison.Ordinal);
    }

    private static string Names(IEnumerable<string> names) => string.Join(", ", names.Select(name => $"`{name}`"));

    private static string Row(string spec, IEnumerable<KeyUsage> usages, IEnumerable<string> algorithms) =>
        $"{spec}: {string.Join(' ', usages)}: {string.Join(' ', algorithms)}";

    private static string Wire(KeyUsage usage) => JsonNamingPolicy.SnakeCaseLower.ConvertName(usage.ToString());
}
