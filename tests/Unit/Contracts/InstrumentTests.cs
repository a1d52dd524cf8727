using System.Text.RegularExpressions;

namespace OrleansKms.Tests.Unit.Contracts;

/// <summary>The table of metrics in deploy/OPERATING.md against the instruments that the code makes.</summary>
public sealed partial class InstrumentTests
{
    private static readonly string[] _projects = ["grain-interfaces", "grains", "gateway", "silo"];

    [Fact]
    public void Document_ListsEveryInstrumentWithItsTypeAndItsMeaning() => Assert.Equal(
        Instruments().Order(StringComparer.Ordinal),
        DocumentRow().Matches(File.ReadAllText(Path.Combine(DocumentsTests.Root, "deploy", "OPERATING.md")))
            .Select(row => $"{row.Groups["name"].Value} {row.Groups["type"].Value}: {row.Groups["meaning"].Value}").Order(StringComparer.Ordinal));

    // In the source, since most are made only when a part of the service starts.
    private static IEnumerable<string> Instruments() =>
        from project in _projects
        from file in Directory.EnumerateFiles(Path.Combine(DocumentsTests.Root, project), "*.cs", SearchOption.AllDirectories)
        where !Path.GetRelativePath(DocumentsTests.Root, file).Split(Path.DirectorySeparatorChar).Contains("obj")
        from Match made in Made().Matches(File.ReadAllText(file))
        let texts = Literal().Matches(made.Groups["rest"].Value).Select(text => text.Groups["text"].Value).ToList()
        let unit = texts.Find(IsUnit)
        select Line(made.Groups["name"].Value, made.Groups["kind"].Value, unit, string.Concat(texts.Where(text => !IsUnit(text))));

    // As Prometheus names them.
    private static string Line(string name, string kind, string? unit, string meaning) => kind switch
    {
        "Counter" or "ObservableCounter" => $"{name}_total counter: {meaning}",
        "Histogram" when unit == "s" => $"{name}_seconds histogram: {meaning}",
        "UpDownCounter" or "ObservableGauge" => $"{name} gauge: {meaning}",
        _ => throw new InvalidOperationException($"{name} is a {kind} in {unit}, whose name this test does not know."),
    };

    private static bool IsUnit(string text) => text is "s" || text.StartsWith('{');

    [GeneratedRegex("""\.Create(?<kind>[A-Z][A-Za-z]*(?:Counter|Gauge)|Counter|Gauge|Histogram)(?:<\w+>)?\(\s*"(?<name>[a-z_]+)"(?<rest>[^;]*);""")]
    private static partial Regex Made();

    [GeneratedRegex("\"(?<text>[^\"]*)\"")]
    private static partial Regex Literal();

    [GeneratedRegex(@"^\| `(?<name>[a-z_]+)` \| (?<type>counter|gauge|histogram) \| (?:`[a-z_]+`(?:, )?)* ?\| (?<meaning>[^|]*) \|$", RegexOptions.Multiline)]
    private static partial Regex DocumentRow();
}
