using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using CsCheck;

namespace OrleansKms.Tests.Unit.Policies;

/// <summary>
/// The evaluator against somebody else's: Cedar's, over the same policies in Cedar's language, which reaches all of ours. A statement is
/// one policy of Cedar, an operation is an action in its group, and all else is context.
/// </summary>
public sealed class CedarTests
{
    private const int Sets = 750;
    private const int CallsOfEach = 10;
    private const string Any = "*";

    [Fact]
    public Task PoliciesOfPrincipals_DecideAsCedarDoes() => Compare(RandomPolicies.OfPrincipal, isOfKey: false);

    [Fact]
    public Task PoliciesOfKeys_DecideAsCedarDoes() => Compare(RandomPolicies.OfKey, isOfKey: true);

    private static async Task Compare(Gen<Policy[]> policies, bool isOfKey)
    {
        var sets = Gen.Select(policies, RandomPolicies.Request.Array[CallsOfEach]).Array[Sets].Single();
        var answers = await Ask(sets.Select(set => Question(set.Item1, set.Item2, isOfKey)));
        var allowed = 0;
        foreach (var ((statements, requests), answer) in sets.Zip(answers))
        {
            var compiled = isOfKey ? CompiledPolicies.OfKey(statements[0]) : CompiledPolicies.Of(statements);
            var decisions = requests.Select(request => compiled.Decide(request.Operation, request.Key, ContextOf(request)) == AccessDecision.Allowed ? "allow" : "deny").ToList();
            allowed += decisions.Count(decision => decision == "allow");
            if (!decisions.SequenceEqual(answer)) Assert.Fail($"{string.Join(' ', decisions)}\nCedar: {string.Join(' ', answer)}\n{Question(statements, requests, isOfKey)}");
        }

        // Neither answer is so rare that an evaluator which never gives it would pass.
        Assert.InRange(allowed, Sets * CallsOfEach / 50, Sets * CallsOfEach * 49 / 50);
    }

    private static AccessContext ContextOf(PolicyOracle.Request request) => new AccessContext
    {
        Now = request.Now,
        Source = IPAddress.Parse(request.Source),
        Principal = request.Principal,
        Key = new(request.Spec, request.Protection),
    }.With(request.AssociatedData is { } data ? Encoding.ASCII.GetBytes(data) : null, request.Kind);

    private static string Question(Policy[] policies, PolicyOracle.Request[] requests, bool isOfKey)
    {
        var statements = policies.SelectMany(policy => policy.Statements).ToList();
        var texts = statements.Select(Text).ToList();
        // A key's policy of denials alone refuses just those.
        if (isOfKey && statements.TrueForAll(statement => statement.Effect == PolicyEffect.Deny)) texts.Add("permit(principal, action, resource);");
        return new JsonObject
        {
            ["policies"] = new JsonObject(texts.Select((text, i) => KeyValuePair.Create($"p{i}", (JsonNode?)text))),
            ["requests"] = new JsonArray([.. requests.Select(Call)]),
        }.ToJsonString();
    }

    private static string Text(PolicyStatement statement)
    {
        var when = statement.When ?? new();
        string?[] conditions =
        [
            statement.Keys.Count == 0 ? null : AnyOf(statement.Keys, pattern => pattern == Any ? "true" : $"(context has key && {Matches("context.key", pattern)})"),
            statement.Principals is { } principals ? AnyOf(principals, pattern => Matches("context.principal", pattern)) : null,
            when.Source is { } networks ? AnyOf(networks, network => $"context.source.isInRange(ip(\"{network}\"))") : null,
            when.NotBefore is { } from ? $"context.now >= {Minute(from)}" : null,
            when.NotAfter is { } to ? $"context.now <= {Minute(to)}" : null,
            when.AssociatedDataPrefix is { } prefix ? $"context.data like \"{Encoding.ASCII.GetString([.. prefix])}*\"" : null,
            when.Kind is { } kind ? $"context.kind == {(int)kind}" : null,
            when.Protection is { } protection ? $"context.protection == \"{protection}\"" : null,
            when.Specs is { } specs ? $"[{string.Join(", ", specs.Select(spec => $"\"{spec}\""))}].contains(context.spec)" : null,
        ];
        var actions = string.Join(", ", statement.Actions.Select(action => $"Action::\"{action}\""));
        var all = string.Join(" && ", conditions.OfType<string>().DefaultIfEmpty("true"));
        return $"{(statement.Effect == PolicyEffect.Allow ? "permit" : "forbid")}(principal, action in [{actions}], resource) when {{ {all} }};";
    }

    private static string AnyOf(IEnumerable<string> texts, Func<string, string> condition) => $"({string.Join(" || ", texts.Select(condition))})";

    private static string Matches(string what, string pattern) => pattern.EndsWith('*') ? $"{what} like \"{pattern}\"" : $"{what} == \"{pattern}\"";

    private static JsonObject Call(PolicyOracle.Request request)
    {
        var context = new JsonObject
        {
            ["principal"] = request.Principal,
            ["source"] = new JsonObject { ["__extn"] = new JsonObject { ["fn"] = "ip", ["arg"] = request.Source } },
            ["now"] = Minute(request.Now),
            ["data"] = request.AssociatedData ?? "",
            ["kind"] = (int)request.Kind,
            ["protection"] = $"{request.Protection}",
            ["spec"] = request.Spec,
        };
        if (request.Key is { } key) context["key"] = key;
        var group = $"{request.Operation.Group}".ToLowerInvariant();
        return new()
        {
            ["principal"] = Entity("Principal", request.Principal),
            ["action"] = Entity("Action", request.Operation.Name),
            ["resource"] = Entity("Key", request.Key ?? ""),
            ["context"] = context,
            ["entities"] = new JsonArray(new JsonObject
            {
                ["uid"] = Entity("Action", request.Operation.Name),
                ["attrs"] = new JsonObject(),
                ["parents"] = new JsonArray(Entity("Action", group), Entity("Action", Any)),
            }),
        };
    }

    private static JsonObject Entity(string type, string id) => new() { ["type"] = type, ["id"] = id };

    private static long Minute(DateTimeOffset time) => time.ToUnixTimeSeconds() / 60;

    /// <summary>Asks all of one process.</summary>
    private static async Task<List<string[]>> Ask(IEnumerable<string> questions)
    {
        var directory = Path.Combine(Root(), "tests", "Node");
        Assert.True(
            Directory.Exists(Path.Combine(directory, "node_modules", "@cedar-policy")), "Cedar is not there: deploy/test.sh gets it, or `npm ci --prefix tests/Node`.");
        using var node = Process.Start(new ProcessStartInfo("node", [Path.Combine(directory, "cedar.cjs")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = node.StandardError.ReadToEndAsync();
        var asking = Task.Run(async () =>
        {
            foreach (var question in questions) await node.StandardInput.WriteLineAsync(question);
            node.StandardInput.Close();
        });
        var answers = new List<string[]>();
        while (await node.StandardOutput.ReadLineAsync() is { } line) answers.Add([.. JsonNode.Parse(line)!.AsArray().Select(answer => (string)answer!)]);
        await node.WaitForExitAsync();
        Assert.True(node.ExitCode == 0, await errors);
        await asking;
        return answers;
    }

    private static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "OrleansKms.sln"))) directory = directory.Parent!;
        return directory.FullName;
    }
}
