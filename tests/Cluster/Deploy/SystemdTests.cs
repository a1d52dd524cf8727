using System.Globalization;
using System.Text.RegularExpressions;
using OrleansKms.Gateway.Hosting;

namespace OrleansKms.Tests.Cluster.Deploy;

/// <summary>The systemd units and their environment files, held against the code.</summary>
public sealed partial class SystemdTests
{
    [Theory]
    [InlineData("silo", "/opt/orleans-kms/okms")]
    [InlineData("gateway", "/opt/orleans-kms/okms gateway")]
    public void Unit_TakesItsSettings_AndEndsInTime(string name, string program)
    {
        var unit = Lines(Manifests.Text($"deploy/systemd/okms-{name}.service"));
        var environment = Manifests.EnvironmentFile($"deploy/systemd/{name}.env");
        foreach (var line in unit.Where(line => line.Key == "Environment"))
        {
            var parts = line.Value.Split('=', 2);
            environment.Add(parts[0], parts[1]);
        }
        if (name == "silo") Manifests.TakenBySilo(environment); else Manifests.TakenByGateway(environment);
        Manifests.EndsInTime(Manifests.Seconds(Single(unit, "TimeoutStopSec")), environment);
        Assert.Equal("0", environment["DOTNET_EnableDiagnostics"]);
        Assert.Equal(program, Single(unit, "ExecStart"));
        // Each credential that a setting names is loaded.
        Assert.Equal(
            unit.Where(line => line.Key == "LoadCredential").Select(line => line.Value.Split(':')[0]).Order(StringComparer.Ordinal),
            environment.Values.Where(value => value.StartsWith("%d/", StringComparison.Ordinal)).Select(value => value[3..]).Order(StringComparer.Ordinal));
    }

    /// <summary>A silo without a gateway in it still listens, for health and metrics; both may run on one machine.</summary>
    [Fact]
    public void SiloAndGateway_ShareNoPort()
    {
        var silo = Manifests.EnvironmentFile("deploy/systemd/silo.env");
        var gateway = Manifests.EnvironmentFile("deploy/systemd/gateway.env");
        string[] ports =
        [
            .. new[] { "PORT", "OKMS_SILO_PORT", "OKMS_CLIENT_PORT" }.Select(name => silo[name]),
            gateway["OKMS_METRICS_PORT"],
            .. gateway.Where(pair => pair.Key.EndsWith("__Url", StringComparison.Ordinal)).Select(pair => pair.Value.Split(':')[^1]),
        ];
        Assert.Equal(5, ports.Distinct().Count());
        // The interface speaks TLS and nothing else; metrics are for this machine.
        Assert.StartsWith("https://", Assert.Single(gateway, pair => pair.Key.EndsWith("__Url", StringComparison.Ordinal)).Value, StringComparison.Ordinal);
        Assert.Equal("127.0.0.1", gateway["OKMS_METRICS_BIND_ADDRESS"]);
        // Where the healthcheck command asks, and what the runbook prints.
        var runbook = Manifests.Text("deploy/RUNBOOK.md");
        Assert.All(HealthCheckOfSilo().Matches(runbook), match => Assert.Equal(silo["PORT"], match.Groups["port"].Value));
        Assert.NotEmpty(HealthCheckOfSilo().Matches(runbook));
        Assert.Contains($"`OKMS_METRICS_PORT={gateway["OKMS_METRICS_PORT"]} /opt/orleans-kms/okms healthcheck`", runbook, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("LimitCORE", "0")]
    [InlineData("MemorySwapMax", "0")]
    [InlineData("NoNewPrivileges", "true")]
    [InlineData("ProtectSystem", "strict")]
    [InlineData("ProtectHome", "true")]
    [InlineData("CapabilityBoundingSet", "")]
    [InlineData("MemoryDenyWriteExecute", "false")]
    public void Units_AreHardened(string name, string value)
    {
        foreach (var unit in (string[])["silo", "gateway"])
        {
            Assert.Equal(value, Single(Lines(Manifests.Text($"deploy/systemd/okms-{unit}.service")), name));
        }
    }

    [Fact]
    public void Silo_WhosePinWasRefused_IsNotStartedAgain() => Assert.Equal(
        StartGuard.RefusedForGood.ToString(CultureInfo.InvariantCulture),
        Single(Lines(Manifests.Text("deploy/systemd/okms-silo.service")), "RestartPreventExitStatus"));

    private static List<KeyValuePair<string, string>> Lines(string unit) =>
        [.. Line().Matches(unit).Select(line => KeyValuePair.Create(line.Groups["name"].Value, line.Groups["value"].Value))];

    private static string Single(List<KeyValuePair<string, string>> unit, string name) => unit.Single(line => line.Key == name).Value;

    [GeneratedRegex("^(?<name>[A-Za-z]+)=(?<value>.*)$", RegexOptions.Multiline)]
    private static partial Regex Line();

    [GeneratedRegex(@"(?<!\w)PORT=(?<port>\d+) /opt/orleans-kms/okms healthcheck")]
    private static partial Regex HealthCheckOfSilo();
}
