using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Deploy;

/// <summary>Alerts and the dashboard ask for what the service tells, which is what the documents say.</summary>
public sealed partial class MonitoringTests
{
    // Of Prometheus itself.
    private static readonly string[] Others = ["up", "ALERTS"];

    // Their first event is a failure, or needs an HSM, a cluster or a .NET client. Other tests count them; the table of metrics has them.
    private static readonly string[] NotHere =
    [
        "audit_calls_lost_total", "audit_failures_total", "client_calls_shed_total", "fence_activations_ended_total", "hsm_calls_total", "hsm_orphans", "repeated_calls_total", "requests_shed_total",
        "rotation_failures_total", "rows_corrupted_total",
    ];

    [Fact]
    public async Task EveryMetric_IsThere_AndHasTheLabelsOfTheTable()
    {
        using var directory = new TemporaryDirectory();
        await using var service = await ServiceProcess.Start(directory.Path);
        await service.Http.Create("a");
        var (_, ciphertext) = await service.Http.Encrypt("a", [1]);
        await service.Http.DecryptAll("a", [ciphertext]);
        await service.Http.Create("signing", spec: "ECC_NIST_P256");
        await service.Http.Sign("signing", [1]);
        await Assert.ThrowsAsync<UnexpectedAnswerException>(() => service.Http.Describe("none"));
        var table = Documented();
        Assert.Subset(table.Keys.ToHashSet(), NotHere.ToHashSet());

        // Records reach their file, and the exporter keeps an answer, a moment later.
        var there = new HashSet<string>();
        using var patience = new CancellationTokenSource(ServiceProcess.Patience);
        while (table.Keys.Except(NotHere).FirstOrDefault(name => !there.Contains(name) && !there.Contains(name + "_count")) is { } missing)
        {
            Assert.False(patience.IsCancellationRequested, $"{missing} did not appear.");
            var metrics = await service.Http.GetStringAsync("/metrics");
            there = [.. MetricLine().Matches(metrics).Select(line => line.Groups["name"].Value)];
            foreach (Match line in MetricLine().Matches(metrics))
            {
                if (!table.TryGetValue(Suffix().Replace(line.Groups["name"].Value, ""), out var labels)) continue;
                Assert.Equal(labels, Label().Matches(line.Groups["labels"].Value).Select(label => label.Groups["name"].Value).Where(name => name != "le").Order());
            }
        }

        var asked = Expressions().SelectMany(expression => Metric().Matches(Quoted().Replace(expression, "\"\"")))
            .Select(name => name.Value).ToHashSet();
        Assert.Superset(
            new HashSet<string>
            {
                "encryptions_total", "rotations_overdue", "dotnet_process_memory_working_set_bytes", "key_operations_total", "audit_failures_total", "audit_copy_lag",
                "failed_requests_total",
            },
            asked);
        Assert.Empty(asked.Except(there).Except(Others).Except(NotHere));
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

    /// <summary>The metrics of deploy/OPERATING.md with their labels.</summary>
    private static Dictionary<string, List<string>> Documented() => DocumentRow().Matches(Manifests.Text("deploy/OPERATING.md")).ToDictionary(
        row => row.Groups["name"].Value, row => row.Groups["label"].Captures.Select(label => label.Value).Order().ToList());

    [GeneratedRegex(@"^(?<name>[a-z_]+)(?:\{(?<labels>[^}]*)\})? ", RegexOptions.Multiline)]
    private static partial Regex MetricLine();

    [GeneratedRegex("(?<name>[a-z_]+)=\"")]
    private static partial Regex Label();

    [GeneratedRegex("_(?:bucket|count|sum)$")]
    private static partial Regex Suffix();

    [GeneratedRegex("\"[^\"]*\"")]
    private static partial Regex Quoted();

    // A metric's name has two words or more, and labels or a range behind it or nothing that a function or label has.
    [GeneratedRegex(@"\b(?:up|ALERTS|[a-z]+(?:_[a-z]+)*_(?:total|bucket|count|sum|bytes|connections|requests|overdue|lag))\b(?!\()")]
    private static partial Regex Metric();

    [GeneratedRegex(@"^\| `(?<name>[a-z_]+)` \| (?:counter|gauge|histogram) \| (?:`(?<label>[a-z_]+)`(?:, )?)* ?\|", RegexOptions.Multiline)]
    private static partial Regex DocumentRow();

    [GeneratedRegex("^#+ (?<text>.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex("(?<=RUNBOOK )(?:\"(?<text>[^\"]+)\"(?:, )?)+")]
    private static partial Regex Section();
}
