using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using OrleansKms.Gateway.Rest;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Deploy;

/// <summary>The Kubernetes manifests, held against the code and against each other.</summary>
public sealed partial class KubernetesTests
{
    private static readonly JsonObject Silo = Find("StatefulSet", "silo");
    private static readonly JsonObject Gateway = Find("Deployment", "gateway");

    public static TheoryData<string> Workloads => new(
        Manifests.Kubernetes.Where(o => o["spec"]?["template"] is not null).Select(o => o.String("metadata", "name")));

    [Fact]
    public void Settings_AreTaken()
    {
        Manifests.TakenBySilo(Settings("silo"));
        Manifests.TakenByGateway(Settings("gateway"));
        Manifests.TakenBySilo(new(Settings("silo")) { ["OKMS_ADVERTISED_ADDRESS"] = "10.0.0.1" });
        Assert.Equal((0, "gateway"), (Container(Silo)["args"].Items().Count(), Assert.Single(Container(Gateway)["args"].Items()).GetValue<string>()));
        Assert.Equal(["OKMS_ADVERTISED_ADDRESS", "OKMS_AUDIT_DIR"], Container(Silo)["env"].Items().Select(variable => variable.String("name")));
    }

    [Fact]
    public void Stop_HasTheTimeThatItNeeds()
    {
        Manifests.EndsInTime(Manifests.Seconds(Pod(Silo).String("terminationGracePeriodSeconds")), Settings("silo"));
        Manifests.EndsInTime(Manifests.Seconds(Pod(Gateway).String("terminationGracePeriodSeconds")), Settings("gateway"));
    }

    [Fact]
    public void Ports_AreTheSettings()
    {
        var silo = Settings("silo");
        Assert.Equal(
            new() { ["http"] = silo["PORT"], ["silo"] = silo["OKMS_SILO_PORT"], ["client"] = silo["OKMS_CLIENT_PORT"] }, Ports(Silo));
        var gateway = Settings("gateway");
        Assert.Equal($"https://*:{Ports(Gateway)["https"]}", gateway["Kestrel__Endpoints__Https__Url"]);
        // The plain port serves health and metrics alone; the interface has TLS, and nothing else.
        Assert.Equal(gateway["OKMS_METRICS_PORT"], Ports(Gateway)["http"]);
        Assert.Single(gateway.Keys, name => name.StartsWith("Kestrel__", StringComparison.Ordinal) && name.EndsWith("__Url", StringComparison.Ordinal));
        Assert.Equal("false", silo["OKMS_GATEWAY"]);
        foreach (var (service, ports) in (ReadOnlySpan<(string, Dictionary<string, string>)>)[("silo", Ports(Silo)), ("gateway", Ports(Gateway))])
        {
            Assert.All(Find("Service", service)["spec"]!["ports"].Items(), port => Assert.Contains(port.String("targetPort"), ports.Keys));
        }
    }

    [Fact]
    public void Probes_AreRoutes()
    {
        foreach (var workload in (ReadOnlySpan<JsonObject>)[Silo, Gateway])
        {
            var probes = new[] { "startupProbe", "livenessProbe", "readinessProbe" }.Select(name => Container(workload)[name]!["httpGet"]!).ToList();
            Assert.All(probes, probe => Assert.Contains(probe.String("port"), Ports(workload).Keys));
            Assert.All(probes, probe => Assert.Contains(Routes.All, route => route.Pattern == probe.String("path") && route.IsOpen));
            // Killing what waits for its database would make an outage worse.
            Assert.Equal("/health/live", probes[1].String("path"));
        }
        Assert.Equal("/health/ready", Container(Silo)["readinessProbe"].String("httpGet", "path"));
        // An outage of the database must not take every gateway out of the service; and yet none joins it that was never ready.
        Assert.Equal("/health/live", Container(Gateway)["readinessProbe"].String("httpGet", "path"));
        Assert.Equal("/health/ready", Container(Gateway)["startupProbe"].String("httpGet", "path"));
    }

    [Fact]
    public void NetworkPolicies_LetInOnly()
    {
        var denied = Find("NetworkPolicy", "default-deny")["spec"]!;
        Assert.Empty(denied["podSelector"]!.AsObject());
        Assert.Equal(["Ingress", "Egress"], denied["policyTypes"].Items().Select(type => type.GetValue<string>()));
        Assert.Null(denied["ingress"] ?? denied["egress"]);

        Assert.Equal(["silo"], MayReach("silo", Settings("silo")["OKMS_SILO_PORT"]));
        Assert.Equal(["gateway", "orleans-kms/trusted-client"], MayReach("silo", Settings("silo")["OKMS_CLIENT_PORT"]));
        Assert.Equal(["silo", "gateway", "okms-job"], MayReach("postgres", "5432"));
        Assert.Equal(["silo"], Egress("silo", Settings("silo")["OKMS_SILO_PORT"]));
        Assert.Equal(["silo"], Egress("gateway", Settings("silo")["OKMS_CLIENT_PORT"]));
        Assert.All((string[])["silo", "gateway", "job"], name => Assert.Equal(["postgres"], Egress(name, "5432")));
    }

    [Theory]
    [MemberData(nameof(Workloads))]
    public void Pod_IsRestricted(string name)
    {
        var pod = Pod(Manifests.Kubernetes.Single(o => o["spec"]?["template"] is not null && o.String("metadata", "name") == name));
        Assert.Equal("false", pod.String("enableServiceLinks"));
        Assert.Equal("false", pod.String("automountServiceAccountToken"));
        Assert.Equal(("true", "RuntimeDefault"), (pod.String("securityContext", "runAsNonRoot"), pod.String("securityContext", "seccompProfile", "type")));
        Assert.Equal(pod.String("securityContext", "runAsGroup"), pod.String("securityContext", "fsGroup"));
        foreach (var container in Containers(pod))
        {
            var security = container["securityContext"];
            Assert.Equal(("false", "true"), (security.String("allowPrivilegeEscalation"), security.String("readOnlyRootFilesystem")));
            Assert.Equal(["ALL"], security!["capabilities"]!["drop"].Items().Select(item => item.GetValue<string>()));
            Assert.Equal(container.String("resources", "limits", "memory").Length > 0, container.String("resources", "requests", "memory").Length > 0);
        }
        Assert.All(pod["volumes"].Everywhere("defaultMode"), mode => Assert.Equal("0400", mode.GetValue<string>()));
        Assert.All(pod["volumes"].Everywhere("secret"), secret => Assert.NotNull(secret["defaultMode"]));
        FilesAreMounted(pod);
    }

    [Fact]
    public void Token_IsHandedOutOnlyAfterItWasWritten()
    {
        var pod = Pod(Find("Job", "create-administrator"));
        Assert.Equal(["create-administrator"], pod["initContainers"].Items().Select(container => container.String("name")));
        Assert.Equal(["token"], pod["containers"].Items().Select(container => container.String("name")));
        var patch = Manifests.Documents("deploy/kubernetes/jobs/replace-administrator/kustomization.yaml").Single()["patches"].Items().Single();
        Assert.Contains("initContainers/0/args/-, value: --replace", patch.String("patch"), StringComparison.Ordinal);
    }

    [Fact]
    public void Command_HasTheRightsOfTheOwner_AndEnds()
    {
        var job = Find("Job", "command");
        Assert.Equal("0", job.String("spec", "backoffLimit"));
        Assert.NotEmpty(job.String("spec", "activeDeadlineSeconds"));
        Assert.Contains(Pod(job)["volumes"].Everywhere("secretName"), name => name.GetValue<string>() == "owner-database");
    }

    /// <summary>By a kubectl that writes down what it is asked, and ends the job as told.</summary>
    [Theory]
    [InlineData("Complete", 0)]
    [InlineData("Failed", 1)]
    public async Task Command_RunsWithItsArguments_AndTellsHowItEnded(string end, int code)
    {
        using var directory = new TemporaryDirectory();
        var (ended, output, errors) = await Command(directory, end, "OKMS_OTHER_ROOT_KEY_FILE=/run/okms/other/root.key");
        Assert.True(ended == code, errors);
        Assert.Equal("what it prints", output.Trim());
        var patch = JsonNode.Parse(await File.ReadAllTextAsync(directory.Of("patch")))!.AsArray();
        Assert.Equal(["root", "remove", "a b"], patch[0]!["value"].Items().Select(word => word.GetValue<string>()));
        Assert.Equal("/run/okms/other/root.key", patch[1]!["value"].Items().Single().String("value"));
        Assert.Contains("-n orleans-kms delete job command", (await File.ReadAllLinesAsync(directory.Of("calls")))[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("running=1", "another command runs")]
    [InlineData("replaced=1", "another command took the place of this one")]
    [InlineData("OKMS_OTHER_HSM_PIN=1234", "a PIN is handed on in the secret")]
    [InlineData("OKMS_OTHER_HSM_ADDRESS=pkcs11:token=t?pin-value=1234", "a PIN is handed on in the secret")]
    public async Task Command_ThatCannotBeRunOrTold_Fails(string setting, string reason)
    {
        using var directory = new TemporaryDirectory();
        var (ended, output, errors) = await Command(directory, "Complete", setting);
        Assert.Equal((1, ""), (ended, output));
        Assert.StartsWith(reason, errors, StringComparison.Ordinal);
        Assert.Equal(setting == "replaced=1", File.Exists(directory.Of("created")));
    }

    private static Task<(int Code, string Output, string Errors)> Command(TemporaryDirectory directory, string end, string setting) =>
        ReadmeTests.Bash(directory.Path, $$"""
            mkdir bin
            cat >bin/kubectl <<'STUB'
            #!/usr/bin/env bash
            printf '%s\n' "$*" >>calls
            case "$*" in
              kustomize*) echo job ;;
              patch*) cat >job; while [ "$1" != -p ]; do shift; done; printf '%s' "$2" >patch ;;
              create*) cat >created; echo this ;;
              *jsonpath*)
                if [ -e created ]; then echo "${replaced:+not-}this $(if [ -e asked ]; then echo Suspended {{end}}; fi)"; touch asked
                elif [ -n "${running:-}" ]; then echo "that Suspended"; fi ;;
              *logs*) echo what it prints ;;
              *wait\ --for*) [ {{end}} = Complete ] ;;
            esac
            STUB
            chmod +x bin/kubectl
            PATH=$PWD/bin:$PATH {{setting}} '{{Manifests.Path("deploy/kubernetes/command.sh")}}' root remove 'a b'
            """);

    [Fact]
    public void Disruptions_TakeOneAtATime()
    {
        foreach (var (name, workload) in (ReadOnlySpan<(string, JsonObject)>)[("silo", Silo), ("gateway", Gateway)])
        {
            var budget = Find("PodDisruptionBudget", name)["spec"]!;
            Assert.Equal("1", budget.String("maxUnavailable"));
            Assert.True(JsonNode.DeepEquals(budget["selector"], workload["spec"]!["selector"]));
            Assert.Equal(name, workload.String("spec", "template", "metadata", "labels", "app.kubernetes.io/name"));
        }
    }

    [Fact]
    public void Images_AreThoseOfComposeAndOfThisVersion()
    {
        var version = ProductVersion().Match(Manifests.Text("Directory.Build.props")).Groups["version"].Value;
        var compose = Manifests.Compose["services"].Everywhere("image").Select(image => image.GetValue<string>())
            .Where(image => image.Contains("orleans-kms/", StringComparison.Ordinal)).Distinct();
        Assert.Equal([$"${{OKMS_REGISTRY:-registry.invalid}}/orleans-kms/okms:${{OKMS_VERSION:-{version}}}"], compose);
        // They are named in one place, by a name that never resolves until somebody gives another; so are those of strangers.
        var images = Manifests.Documents("deploy/kubernetes/images/kustomization.yaml").Single()["images"].Items()
            .ToDictionary(image => image.String("name"), image => image.String("newTag"));
        Assert.Equal(
            new() { ["registry.invalid/orleans-kms/okms"] = version, ["docker.io/library/busybox"] = "1.37.0" },
            images);
        var used = Manifests.Kubernetes.SelectMany(o => o.Everywhere("image")).Select(image => image.GetValue<string>()).Distinct();
        Assert.Equal(
            images.Select(image => image.Key.StartsWith("registry.invalid/", StringComparison.Ordinal) ? image.Key : $"{image.Key}:{image.Value}").Order(StringComparer.Ordinal),
            used.Order(StringComparer.Ordinal));
        foreach (var (directory, component) in (ReadOnlySpan<(string, string)>)
            [("", "images"), ("jobs/migrate", "../../images"), ("jobs/create-administrator", "../../images"), ("jobs/command", "../../images")])
        {
            var kustomization = Manifests.Documents($"deploy/kubernetes/{directory}/kustomization.yaml").Single();
            Assert.Null(kustomization["images"]);
            Assert.Equal([component], kustomization["components"].Items().Select(name => name.GetValue<string>()));
            Assert.All(kustomization["resources"].Items(), file =>
                Assert.True(File.Exists(Manifests.Path($"deploy/kubernetes/{directory}/{file.GetValue<string>()}"))));
        }
    }

    /// <summary>What scrapes holds one secret, which opens metrics alone; who installs makes it.</summary>
    [Fact]
    public void TokenForMetrics_IsASecretOfItsOwn()
    {
        foreach (var workload in (ReadOnlySpan<JsonObject>)[Silo, Gateway])
        {
            Assert.Contains(Pod(workload)["volumes"].Everywhere("secretName"), name => name.GetValue<string>() == "metrics-token");
        }

        Assert.Equal(Settings("silo")["OKMS_METRICS_TOKEN_FILE"], Settings("gateway")["OKMS_METRICS_TOKEN_FILE"]);
        Assert.Contains("create secret generic metrics-token --from-file=token=", Manifests.Text("deploy/RUNBOOK.md"), StringComparison.Ordinal);
    }

    private static JsonObject Find(string kind, string name) =>
        Manifests.Kubernetes.Single(o => o.String("kind") == kind && o.String("metadata", "name") == name);

    private static Dictionary<string, string> Settings(string name) => Manifests.Strings(Find("ConfigMap", name + "-settings")["data"]);

    private static JsonNode Pod(JsonObject workload) => workload["spec"]!["template"]!["spec"]!;

    private static JsonNode Container(JsonObject workload) => Pod(workload)["containers"].Items().First();

    private static IEnumerable<JsonNode> Containers(JsonNode pod) => pod["initContainers"].Items().Concat(pod["containers"].Items());

    private static Dictionary<string, string> Ports(JsonObject workload) =>
        Container(workload)["ports"].Items().ToDictionary(port => port.String("name"), port => port.String("containerPort"));

    private static void FilesAreMounted(JsonNode pod)
    {
        var container = Containers(pod).First();
        var mounts = container["volumeMounts"].Items().ToDictionary(mount => mount.String("mountPath") + "/", mount => mount.String("name"));
        var claims = pod.Parent!.Parent!["volumeClaimTemplates"].Items().Select(claim => claim.String("metadata", "name"));
        Assert.Subset(pod["volumes"].Items().Select(volume => volume.String("name")).Concat(claims).ToHashSet(), mounts.Values.ToHashSet());
        var settings = Manifests.Strings(Manifests.Kubernetes
            .Single(o => o.String("kind") == "ConfigMap" && o.String("metadata", "name") == container["envFrom"].Items().Single().String("configMapRef", "name"))["data"]);
        Assert.All(settings.Values.Where(value => value.StartsWith('/')), path =>
            Assert.Contains(mounts.Keys, mount => path.StartsWith(mount, StringComparison.Ordinal)));
    }

    private static List<string> MayReach(string policy, string port) => Peers(policy, "ingress", "from", port);

    private static List<string> Egress(string policy, string port) => Peers(policy, "egress", "to", port);

    private static List<string> Peers(string policy, string direction, string side, string port) =>
    [
        .. Find("NetworkPolicy", policy)["spec"]![direction].Items()
            .Where(rule => rule["ports"].Items().Any(allowed => allowed.String("port") == port))
            .SelectMany(rule => rule[side].Items())
            .Select(peer => peer["podSelector"]!["matchLabels"]!.AsObject().Single())
            .Select(label => label.Key == "app.kubernetes.io/name" ? label.Value!.GetValue<string>() : label.Key),
    ];

    [GeneratedRegex("<Version>(?<version>[^<]+)</Version>")]
    private static partial Regex ProductVersion();
}
