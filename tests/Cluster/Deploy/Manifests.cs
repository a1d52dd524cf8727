using System.Globalization;
using System.Text.Json.Nodes;
using System.Xml;
using Microsoft.Extensions.Configuration;
using OrleansKms.Gateway.Configuration;
using YamlDotNet.Core;
using YamlDotNet.Serialization;
using Settings = OrleansKms.Silo.Configuration.Settings;

namespace OrleansKms.Tests.Cluster.Deploy;

/// <summary>The files under deploy/ as data; every scalar is a string, as it stands there.</summary>
internal static class Manifests
{

    public static JsonObject Compose { get; } = Documents("docker-compose.yml").Single();

    /// <summary>All objects of Kubernetes, jobs included.</summary>
    public static IReadOnlyList<JsonObject> Kubernetes { get; } =
    [
        .. Directory.EnumerateFiles(Path("deploy/kubernetes"), "*.yaml", SearchOption.AllDirectories)
            .Where(file => System.IO.Path.GetFileName(file) != "kustomization.yaml")
            .Order(StringComparer.Ordinal)
            .SelectMany(file => Documents(System.IO.Path.GetRelativePath(Repository.Root, file))),
    ];

    public static string Path(string relative) => System.IO.Path.Combine(Repository.Root, relative);

    public static string Text(string relative) => File.ReadAllText(Path(relative));

    public static List<JsonObject> Documents(string relative)
    {
        using var text = new StringReader(Text(relative));
        var parser = new MergingParser(new Parser(text));
        var deserializer = new DeserializerBuilder().Build();
        var documents = new List<JsonObject>();
        parser.Consume<YamlDotNet.Core.Events.StreamStart>();
        while (parser.Accept<YamlDotNet.Core.Events.DocumentStart>(out _))
        {
            if (ToJson(deserializer.Deserialize<object?>(parser)) is JsonObject document) documents.Add(document);
        }
        return documents;
    }

    /// <summary>A file of lines NAME=value, as systemd reads them.</summary>
    public static Dictionary<string, string> EnvironmentFile(string relative) => Text(relative).Split('\n')
        .Where(line => line.Contains('=', StringComparison.Ordinal) && !line.StartsWith('#'))
        .Select(line => line.Split('=', 2))
        .ToDictionary(parts => parts[0], parts => parts[1]);

    public static Dictionary<string, string> Strings(JsonNode? map) =>
        map!.AsObject().ToDictionary(pair => pair.Key, pair => pair.Value!.GetValue<string>());

    public static string String(this JsonNode? node, params string[] path) =>
        path.Aggregate(node, (at, name) => at?[name])?.GetValue<string>() ?? throw new KeyNotFoundException(string.Join('.', path));

    public static IEnumerable<JsonNode> Items(this JsonNode? node) => node is JsonArray array ? array.Select(item => item!) : [];

    /// <summary>Everything with this name, however deep.</summary>
    public static IEnumerable<JsonNode> Everywhere(this JsonNode? node, string name) => node switch
    {
        JsonObject map => map.SelectMany(pair =>
            (pair.Key == name && pair.Value is { } value ? [value] : Enumerable.Empty<JsonNode>()).Concat(pair.Value.Everywhere(name))),
        JsonArray list => list.SelectMany(item => item.Everywhere(name)),
        _ => [],
    };

    /// <summary>Holds what a silo is told against what it knows and takes.</summary>
    public static void TakenBySilo(Dictionary<string, string> environment) =>
        Taken(environment, Settings.Names, configuration => Settings.Read(configuration));

    /// <summary>Holds what a gateway is told against what it knows and takes.</summary>
    public static void TakenByGateway(Dictionary<string, string> environment) =>
        Taken(environment, GatewaySettings.Names, configuration => GatewaySettings.Read(configuration));

    /// <summary>A stop is given more time than the process allows itself.</summary>
    public static void EndsInTime(TimeSpan grace, Dictionary<string, string> environment) => Assert.True(
        grace > Duration(environment, "OKMS_DRAIN_DELAY") + Duration(environment, "OKMS_SHUTDOWN_TIMEOUT"),
        $"{grace} is too short for {string.Join(' ', environment)}");

    public static TimeSpan Seconds(string text) => TimeSpan.FromSeconds(int.Parse(text.TrimEnd('s'), CultureInfo.InvariantCulture));

    private static TimeSpan Duration(Dictionary<string, string> environment, string name) => XmlConvert.ToTimeSpan(environment[name]);

    private static void Taken(Dictionary<string, string> environment, IReadOnlyCollection<string> known, Action<IConfiguration> read)
    {
        var ours = environment.Where(pair => !IsPlatforms(pair.Key)).ToDictionary();
        Assert.Empty(ours.Keys.Except(known));
        // Secrets come by file, and the files are not here.
        Assert.Contains("DATABASE_URL_FILE", ours.Keys);
        Assert.DoesNotContain("DATABASE_URL", ours.Keys);
        var values = ours.Where(pair => !pair.Key.EndsWith("_FILE", StringComparison.Ordinal))
            .Append(KeyValuePair.Create("DATABASE_URL", "postgres://okms@postgres/okms?sslmode=verify-full"))
            .Select(pair => KeyValuePair.Create(pair.Key, (string?)pair.Value));
        read(new ConfigurationBuilder().AddInMemoryCollection(values).Build());
    }

    private static bool IsPlatforms(string name) => name.StartsWith("Kestrel__", StringComparison.Ordinal) || name.StartsWith("DOTNET_", StringComparison.Ordinal);

    private static JsonNode? ToJson(object? value) => value switch
    {
        null => null,
        IDictionary<object, object?> map => new JsonObject(map.Select(pair => KeyValuePair.Create((string)pair.Key, ToJson(pair.Value)))),
        IEnumerable<object?> list => new JsonArray([.. list.Select(ToJson)]),
        _ => JsonValue.Create((string)value),
    };
}
