using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace OrleansKms.Tests.Cluster.Deploy;

/// <summary>docker-compose.yml, held against the code and against what it mounts.</summary>
public sealed partial class ComposeTests
{
    private static readonly JsonObject Services = Manifests.Compose["services"]!.AsObject();

    public static TheoryData<string> Silos => new(Names("silo").Append("migrate").Append("create-administrator"));

    public static TheoryData<string> Gateways => new(Names("gateway"));

    public static TheoryData<string> All => new(Services.Select(service => service.Key));

    [Fact]
    public void ThreeSilosAndTwoGateways() => Assert.Equal((3, 2), (Names("silo").Count(), Names("gateway").Count()));

    [Theory]
    [MemberData(nameof(Silos))]
    public void Silo_TakesItsSettings(string name)
    {
        Manifests.TakenBySilo(Environment(name));
        FilesAreMounted(name);
    }

    [Theory]
    [MemberData(nameof(Gateways))]
    public void Gateway_TakesItsSettings(string name)
    {
        Manifests.TakenByGateway(Environment(name));
        FilesAreMounted(name);
    }

    [Fact]
    public void Silos_DifferInTheirAddressOnly()
    {
        var environments = Names("silo").Select(name => (name, Environment(name))).ToList();
        foreach (var (name, environment) in environments)
        {
            Assert.Equal(name, environment["OKMS_ADVERTISED_ADDRESS"]);
            environment.Remove("OKMS_ADVERTISED_ADDRESS");
            Assert.Equal(environments[0].Item2, environment);
        }
    }

    [Fact]
    public void Stop_HasTheTimeThatItNeeds()
    {
        foreach (var name in Names("silo").Concat(Names("gateway")))
        {
            Manifests.EndsInTime(Manifests.Seconds(Services[name].String("stop_grace_period")), Environment(name));
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Service_HoldsNothingThatItNeedsNot(string name)
    {
        var service = Services[name];
        Assert.Equal("true", service.String("read_only"));
        Assert.Equal(["ALL"], service!["cap_drop"].Items().Select(item => item.GetValue<string>()));
        Assert.Contains("no-new-privileges:true", service["security_opt"].Items().Select(item => item.GetValue<string>()));
        Assert.StartsWith("${OKMS_UID:-1000}:", service.String("user"), StringComparison.Ordinal);
        Assert.Equal("0", service.String("ulimits", "core"));
        Assert.NotEmpty(service.String("mem_limit"));
        Assert.All(service["ports"].Items(), port => Assert.StartsWith("127.0.0.1:", port.GetValue<string>(), StringComparison.Ordinal));
        Assert.All(
            service["environment"] is { } environment ? Manifests.Strings(environment) : [],
            pair => Assert.False(pair.Key.EndsWith("PASSWORD", StringComparison.Ordinal), $"{pair.Key} is a secret in the environment"));
    }

    [Fact]
    public void EverySecretAndNetwork_IsDeclared()
    {
        var secrets = Manifests.Compose["secrets"]!.AsObject().Select(secret => secret.Key).ToList();
        var used = Services.SelectMany(service => service.Value!["secrets"].Items())
            .Select(secret => secret is JsonObject ? secret.String("source") : secret.GetValue<string>());
        Assert.Equal(secrets.Order(StringComparer.Ordinal), used.Distinct().Order(StringComparer.Ordinal));
        Assert.All(
            Services.SelectMany(service => service.Value!["networks"].Items()),
            network => Assert.True(Manifests.Compose["networks"]!.AsObject().ContainsKey(network.GetValue<string>())));
        Assert.All(Manifests.Compose["secrets"]!.AsObject(), secret =>
            Assert.Contains(Path.GetFileName(secret.Value.String("file")), PreparedFiles()));
    }

    [Fact]
    public void LoadBalancerAndPrometheus_NameEveryProcess()
    {
        var gateways = Names("gateway").Select(name => $"{name}:{Environment(name)["PORT"]}").ToList();
        Assert.Equal(["gateways", "gateways_alive"], Backends().Select(backend => backend.Name));
        Assert.All(Backends(), backend => Assert.Equal(
            gateways, BackendServer().Matches(backend.Text).Select(match => match.Groups["address"].Value)));
        var targets = Manifests.Documents("deploy/prometheus/prometheus.yml").Single()["scrape_configs"].Items()
            .SelectMany(job => job["static_configs"].Items()).SelectMany(group => group["targets"].Items())
            .Select(target => target.GetValue<string>());
        Assert.Equal(
            Names("silo").Select(name => $"{name}:{Environment(name)["PORT"]}")
                .Concat(Names("gateway").Select(name => $"{name}:{Environment(name)["OKMS_METRICS_PORT"]}")),
            targets);
    }

    /// <summary>Nor has it a way to another secret: what Prometheus mounts holds that token alone.</summary>
    [Fact]
    public void Prometheus_HoldsTheTokenForMetrics_AndNoOther()
    {
        var prometheus = Manifests.Documents("deploy/prometheus/prometheus.yml").Single();
        Assert.All(
            prometheus["scrape_configs"].Items(),
            job => Assert.Equal("/run/okms/metrics.token", job.String("authorization", "credentials_file")));
        Assert.Equal(
            ["./deploy/compose/secrets/metrics:/run/okms:ro"],
            Services["prometheus"]!["volumes"].Items().Select(volume => volume.GetValue<string>()).Where(volume => volume.Contains("secrets", StringComparison.Ordinal)));
        Assert.Empty(Services["prometheus"]!["secrets"].Items());
        Assert.All(Names("silo").Concat(Names("gateway")), name =>
        {
            Assert.Equal("/run/metrics/metrics.token", Environment(name)["OKMS_METRICS_TOKEN_FILE"]);
            Assert.Contains("./deploy/compose/secrets/metrics:/run/metrics:ro", Services[name]!["volumes"].Items().Select(volume => volume.GetValue<string>()));
        });
        Assert.Contains("keep_or_make metrics/metrics.token new_password\n", Manifests.Text("deploy/compose/prepare.sh"), StringComparison.Ordinal);
    }

    /// <summary>A name without a registry, or without a version, is whatever somebody has published under it.</summary>
    [Fact]
    public void EveryImage_NamesItsRegistryAndVersion_AndOursCannotBePulledByMistake()
    {
        var images = Manifests.Compose["services"].Everywhere("image").Select(image => image.GetValue<string>()).Distinct().ToList();
        var (ours, others) = (images.Where(image => image.Contains("orleans-kms/", StringComparison.Ordinal)), images.Where(image => !image.Contains("orleans-kms/", StringComparison.Ordinal)));
        Assert.StartsWith("${OKMS_REGISTRY:-registry.invalid}/orleans-kms/okms:", Assert.Single(ours), StringComparison.Ordinal);
        Assert.Equal(4, others.Count());
        Assert.All(others, image => Assert.Matches(@"^\$\{OKMS_[A-Z]+_IMAGE:-docker\.io/[a-z]+/[a-z]+:v?\d+(\.\d+)+\}$", image));
    }

    [Fact]
    public void Bases_NameTheirRegistry_AndCanBePinned()
    {
        var dockerfile = Manifests.Text("deploy/images/okms.Dockerfile");
        Assert.Equal(["${SDK_IMAGE}", "${RUNTIME_IMAGE}"], From().Matches(dockerfile).Select(from => from.Groups["image"].Value));
        Assert.Matches(@"(?m)^ARG SDK_IMAGE=mcr\.microsoft\.com/", dockerfile);
        Assert.Matches(@"(?m)^ARG RUNTIME_IMAGE=mcr\.microsoft\.com/", dockerfile);
    }

    [Fact]
    public void Probes_AskWhatIsThere()
    {
        // Gateways that are ready; and while none is, as in an outage of the database, those that are alive.
        Assert.Equal(
            ["/health/ready", "/health/live"],
            Backends().Select(backend => Probe().Match(backend.Text).Groups["path"].Value));
        Assert.Contains(
            "use_backend gateways_alive if { nbsrv(gateways) eq 0 }\n    default_backend gateways\n",
            Manifests.Text("deploy/compose/haproxy.cfg"), StringComparison.Ordinal);
        Assert.Contains("ENTRYPOINT [\"dotnet\", \"/app/okms.dll\"]", Manifests.Text("deploy/images/okms.Dockerfile"), StringComparison.Ordinal);
        Assert.All(Names("silo").Concat(Names("gateway")), name => Assert.Equal(
            ["CMD", "dotnet", "/app/okms.dll", "healthcheck"],
            Services[name]!["healthcheck"]!["test"].Items().Select(part => part.GetValue<string>())));
        Assert.All(Names("silo"), name => Assert.Null(Services[name]!["command"]));
        Assert.All(Names("gateway"), name => Assert.Equal(["gateway"], Services[name]!["command"].Items().Select(word => word.GetValue<string>())));
    }

    /// <summary>Otherwise <c>up --wait</c> would not wait for it.</summary>
    [Fact]
    public void EveryServiceThatGoesOn_TellsItsHealth() => Assert.All(
        Services.Where(service => service.Value.String("restart") != "no"),
        service => Assert.True(service.Value!["healthcheck"]?["test"] is not null, service.Key));

    /// <summary>What compiles the published code is a package, which a restore of the projects alone leaves out.</summary>
    [Fact]
    public void Image_FetchesWhatItsPublishingNeeds()
    {
        var dockerfile = Manifests.Text("deploy/images/okms.Dockerfile");
        Assert.Contains("dotnet publish silo -c Release -r \"linux-$arch\" --self-contained false --no-restore ", dockerfile, StringComparison.Ordinal);
        Assert.Contains("dotnet restore silo -r \"linux-$arch\" -p:PublishReadyToRun=true\n", dockerfile, StringComparison.Ordinal);
    }

    private static List<(string Name, string Text)> Backends() =>
        [.. Backend().Matches(Manifests.Text("deploy/compose/haproxy.cfg")).Select(match => (match.Groups["name"].Value, match.Groups["text"].Value))];

    private static IEnumerable<string> Names(string kind) =>
        Services.Select(service => service.Key).Where(name => name.StartsWith(kind + "-", StringComparison.Ordinal));

    private static Dictionary<string, string> Environment(string name) => Manifests.Strings(Services[name]!["environment"]);

    /// <summary>Each path in a setting is a secret's, or below a volume.</summary>
    private static void FilesAreMounted(string name)
    {
        var mounts = Services[name]!["secrets"].Items().Select(secret => "/run/secrets/" + secret.String("target"))
            .Concat(Services[name]!["volumes"].Items().Select(volume => volume.GetValue<string>().Split(':')[1] + "/"))
            .Concat(Services[name]!["tmpfs"].Items().Select(mount => mount.GetValue<string>().Split(':')[0]))
            .ToList();
        Assert.All(
            Environment(name).Values.Where(value => value.StartsWith('/')),
            path => Assert.Contains(mounts, mount => path == mount || (mount.EndsWith('/') && path.StartsWith(mount, StringComparison.Ordinal))));
    }

    /// <summary>What prepare.sh makes.</summary>
    private static IEnumerable<string> PreparedFiles()
    {
        var script = Manifests.Text("deploy/compose/prepare.sh");
        return RoleLoop().Matches(script).SelectMany(loop =>
                loop.Groups["roles"].Value.Split(' ').Select(role => role + loop.Groups["suffix"].Value))
            .Append("root.key");
    }

    [GeneratedRegex(@"^\s+server \S+ (?<address>\S+)$", RegexOptions.Multiline)]
    private static partial Regex BackendServer();

    [GeneratedRegex(@"^backend (?<name>\S+)\n(?<text>(?:[ #].*\n)+)", RegexOptions.Multiline)]
    private static partial Regex Backend();

    [GeneratedRegex(@"^\s+option httpchk GET (?<path>\S+)$", RegexOptions.Multiline)]
    private static partial Regex Probe();

    [GeneratedRegex(@"^FROM (?:--platform=\S+ )?(?<image>\S+)", RegexOptions.Multiline)]
    private static partial Regex From();

    [GeneratedRegex("for role in (?<roles>[a-z ]+); do keep_or_make \"\\$role(?<suffix>-[a-z-]+)\"")]
    private static partial Regex RoleLoop();
}
