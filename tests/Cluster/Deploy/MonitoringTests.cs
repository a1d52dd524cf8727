using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Deploy;

/// <summary>Alerts and the dashboard ask for what the service tells.</summary>
public sealed partial class MonitoringTests
{
    // Of Prometheus itself, and one that appears with the first row that does not open.
    private static readonly string[] Others = ["up", "ALERTS", "rows_corrupted_total"];

    [Fact]
    public async Task EveryMetric_IsThere()
    {
        using var directory = new TemporaryDirectory();
        await using var service = await ServiceProcess.Start(directory.Path);
        await service.Http.Create("a");
        var (_, ciphertext) = await service.Http.Encrypt("a", [1]);
        await service.Http.DecryptAll("a", [ciphertext]);
        var metrics = await service.Http.GetStringAsync("/metrics");
        var there = MetricLine().Matches(metrics).Select(line => line.Groups["name"].Value).Concat(Others).ToHashSet();
        var asked = Expressions().SelectMany(expression => Metric().Matches(Quoted().Replace(expression, "\"\"")))
            .Select(name => name.Value).ToHashSet();
        Assert.Contains("encryptions_total", asked);
        Assert.Contains("rotations_overdue", asked);
        Assert.Contains("dotnet_process_memory_working_set_bytes", asked);
        Assert.Empty(asked.Except(there));
    }

    [Fact]
    public void EveryAlert_NamesASectionOfTheRunbook()
    {
        var headings = Heading().Matches(Manifests.Text("deploy/RUNBOOK.md")).Select(heading => heading.Groups["text"].Value).ToHashSet();
        var named = Manifests.Documents("deploy/prometheus/alerts.yml").Single().Everywhere("description")
            .SelectMany(description => Section().Matches(description.GetValue<string>()))
            .SelectMany(section => section.Groups["text"].Captures.Select(name => name.Value))
            .ToHashSet();
        Assert.NotEmpty(named);
        Assert.Empty(named.Except(headings));
    }

    private static IEnumerable<string> Expressions() =>
        Manifests.Documents("deploy/prometheus/alerts.yml").Single().Everywhere("expr")
            .Concat(JsonNode.Parse(Manifests.Text("deploy/grafana/dashboards/orleans-kms.json")).Everywhere("expr"))
            .Select(expression => expression.GetValue<string>());

    [GeneratedRegex("^(?<name>[a-z_]+)\\{", RegexOptions.Multiline)]
    private static partial Regex MetricLine();

    [GeneratedRegex("\"[^\"]*\"")]
    private static partial Regex Quoted();

    // A metric's name has two words or more, and labels or a range behind it or nothing that a function or label has.
    [GeneratedRegex(@"\b(?:up|ALERTS|[a-z]+(?:_[a-z]+)*_(?:total|bucket|count|sum|bytes|connections|requests|overdue))\b(?!\()")]
    private static partial Regex Metric();

    [GeneratedRegex("^#+ (?<text>.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex("(?<=RUNBOOK )(?:\"(?<text>[^\"]+)\"(?:, )?)+")]
    private static partial Regex Section();
}
