using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansKms.Silo.Verbs.Keys;

/// <summary>The fields of a key that can be set when it is created, and changed later.</summary>
internal sealed class KeyFieldOptions
{
    private readonly Option<string?> _description = Verb.Text("--description", "TEXT", "Free text.");
    private readonly Option<string[]> _tags = Verb.Texts("--tag", "NAME=VALUE", "A tag.");
    private readonly Option<string?> _every = Verb.Text("--rotate-every", "DURATION", "Makes a new version so often, as P90D.");
    private readonly Option<long?> _uses = new("--rotate-after-uses") { HelpName = "N", Description = "Makes a new version after so many uses." };
    private readonly Option<string[]> _limits = LimitOption();
    private readonly Option<string?> _approval = Verb.Text(
        "--approval", "JSON", "Dual control, as {\"operations\": [\"destroy\"], \"required\": 1, \"approvers\": [\"lead-*\"]}; also @FILE or -.");

    /// <summary>All of them.</summary>
    public Symbol[] All => [_description, _tags, _every, _uses, _limits, _approval];

    /// <summary>A limit on use.</summary>
    public static Option<string[]> LimitOption() => Verb.Texts(
        "--limit", "COUNT/PER[/OF]", "A limit on uses, as 1000/PT1H, or on one action or group, as 10/PT1M/keys:export.");

    /// <summary>Adds to a body the fields that are given.</summary>
    public async Task Fill(JsonObject body, VerbRun run)
    {
        if (run.Get(_description) is { } description) body["description"] = description;
        if (run.Get(_tags) is { Length: > 0 } tags) body["tags"] = Tags(tags);
        if (run.Get(_every) is not null || run.Get(_uses) is not null)
        {
            var rotation = new JsonObject();
            if (run.Get(_every) is { } every) rotation["every"] = every;
            if (run.Get(_uses) is { } uses) rotation["after_uses"] = uses;
            body["rotation"] = rotation;
        }

        if (run.Get(_limits) is { Length: > 0 } limits) body["limits"] = Limits(limits);
        if (run.Get(_approval) is { } approval) body["approval"] = await ReadJson(run, approval, "--approval");
    }

    /// <summary>Limits for a body.</summary>
    /// <exception cref="VerbException">One is malformed.</exception>
    public static JsonArray Limits(string[] limits)
    {
        var array = new JsonArray();
        foreach (var limit in limits)
        {
            var parts = limit.Split('/', 3);
            if (parts.Length < 2 || !long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var count))
            {
                throw VerbException.Usage($"The limit {limit} is not COUNT/PER or COUNT/PER/OF, as 1000/PT1H.");
            }

            var one = new JsonObject { ["count"] = count, ["per"] = parts[1] };
            if (parts.Length == 3) one["of"] = parts[2];
            array.Add((JsonNode)one);
        }

        return array;
    }

    /// <summary>A list of texts for a body.</summary>
    public static JsonArray List(IEnumerable<string> texts)
    {
        var array = new JsonArray();
        foreach (var text in texts) array.Add((JsonNode)JsonValue.Create(text));
        return array;
    }

    /// <summary>A value that is JSON.</summary>
    /// <exception cref="VerbException">It is not.</exception>
    public static async Task<JsonNode> ReadJson(VerbRun run, string? value, string name)
    {
        try
        {
            return JsonNode.Parse(await VerbInput.Bytes(run.Context, value), documentOptions: new() { AllowDuplicateProperties = false }) ?? throw new JsonException();
        }
        catch (JsonException e)
        {
            throw VerbException.Usage($"{name} is not JSON.", inner: e);
        }
    }

    private static JsonObject Tags(string[] tags)
    {
        var all = new JsonObject();
        foreach (var tag in tags)
        {
            var at = tag.IndexOf('=', StringComparison.Ordinal);
            if (at < 1) throw VerbException.Usage($"The tag {tag} is not NAME=VALUE.");
            all[tag[..at]] = tag[(at + 1)..];
        }

        return all;
    }
}
