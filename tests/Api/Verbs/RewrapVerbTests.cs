using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using OrleansKms.Silo.Verbs;
using OrleansKms.Silo.Verbs.Rewrap;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Api.Verbs;

/// <summary>rewrap against a service, and killed.</summary>
public sealed class RewrapVerbTests(DefaultApi api) : VerbTest(api)
{
    [Fact]
    public async Task JsonLinesOfSeveralKeys_MoveToTheirPrimaryVersions()
    {
        var (one, two) = (await NewKey(), await NewKey());
        var lines = new List<string>();
        foreach (var (key, count) in ((string, int)[])[(one, 60), (two, 3)])
        {
            var made = await Encrypted(key, [.. Enumerable.Range(0, count).Select(i => $"{key} {i}")]);
            lines.AddRange(made.Select((ciphertext, i) => $$"""{"id": {{i}}, "secret": {"value": "{{ciphertext}}"}, "aad": "{{Tests.Api.Api.Base64($"{key} {i}")}}"}"""));
        }

        lines.Insert(20, lines[5].Replace("\"aad\": \"", "\"aad\": \"AAAA", StringComparison.Ordinal));
        File.WriteAllLines(Of("in.jsonl"), lines);
        foreach (var key in (string[])[one, two]) (await Api.Post($"/v1/keys/{key}/rotate")).Is(HttpStatusCode.OK);

        var (code, output, errors) = await Run("rewrap", "--to-primary", "in.jsonl", "--out", "out.jsonl", "--field", "/secret/value", "--aad-field", "aad", "--json");
        Assert.Equal((ExitCode.Part, ""), (code, errors));
        var summary = JsonNode.Parse(output)!;
        Assert.Equal((64, 63, 1, false), ((int)summary["lines"]!, (int)summary["rewrapped"]!, (int)summary["failed"]!, (bool)summary["resumed"]!));
        var failure = JsonNode.Parse(Assert.Single(File.ReadAllLines(Of("out.jsonl.failed.jsonl"))))!;
        Assert.Equal((21, "invalid_ciphertext", one), ((int)failure["line"]!, (string)failure["code"]!, (string)failure["key_id"]!));

        var rewrapped = File.ReadAllLines(Of("out.jsonl"));
        Assert.Equal(lines[20], rewrapped[20]);
        Assert.Equal(64, rewrapped.Length);
        Assert.All(rewrapped.Zip(lines).Where((_, i) => i != 20), pair => Assert.Equal(Without(pair.Second, "/secret/value"), Without(pair.First, "/secret/value")));
        foreach (var line in rewrapped.Where((_, i) => i != 20).Select(line => JsonNode.Parse(line)!))
        {
            var answer = (await Api.Post("/v1/decrypt", new { ciphertext = (string)line["secret"]!["value"]!, associated_data = (string)line["aad"]! })).Is(HttpStatusCode.OK).Json;
            Assert.Equal((2, (string)line["aad"]!), ((int)answer["key_version"]!, (string)answer["plaintext"]!));
        }

        // What has moved stays, if told so; what failed is tried again.
        (code, output, _) = await Run("rewrap", "--to-primary", "out.jsonl", "--out", "again.jsonl", "--field", "/secret/value", "--aad-field", "aad", "--keep-primary");
        Assert.Equal(ExitCode.Part, code);
        Assert.Contains("0 rewrapped, 63 kept", output, StringComparison.Ordinal);
        Assert.Equal(rewrapped, File.ReadAllLines(Of("again.jsonl")));
    }

    [Fact]
    public async Task CsvColumn_Moves_ByAnAlias_WithTextAsAssociatedData()
    {
        var (key, alias) = (await NewKey(), Tests.Api.Api.NewId());
        (await Api.Put($"/v1/aliases/{alias}", new { key_id = key })).Is(HttpStatusCode.OK);
        var made = await Encrypted(key, ["row, 0", "row, 1"]);
        File.WriteAllText(Of("in.csv"), $"name,card,\"who, when\"\r\n\"a\n\"\"b\"\"\",{made[0]},\"row, 0\"\r\nempty,,x\r\nc,\"{made[1]}\",\"row, 1\"");
        (await Api.Post($"/v1/keys/{key}/rotate")).Is(HttpStatusCode.OK);
        var (code, output, errors) = await Run("rewrap", "--to-primary", "in.csv", "--out", "out.csv", "--field", "card", "--aad-field", "who, when", "--aad-text", "--key", "alias:" + alias);
        Assert.Equal((0, ""), (code, errors));
        Assert.Contains("2 rewrapped, 1 without a ciphertext", output, StringComparison.Ordinal);
        var text = File.ReadAllText(Of("out.csv"));
        var moved = text.Split(',', '"', '\r', '\n').Where(field => field.Length > 40).ToList();
        Assert.Equal(text, $"name,card,\"who, when\"\r\n\"a\n\"\"b\"\"\",{moved[0]},\"row, 0\"\r\nempty,,x\r\nc,\"{moved[1]}\",\"row, 1\"");
        foreach (var (ciphertext, plaintext) in moved.Zip((string[])["row, 0", "row, 1"]))
        {
            var answer = (await Api.Post("/v1/decrypt", new { ciphertext, associated_data = Tests.Api.Api.Base64(plaintext) })).Is(HttpStatusCode.OK).Json;
            Assert.Equal((2, Tests.Api.Api.Base64(plaintext)), ((int)answer["key_version"]!, (string)answer["plaintext"]!));
        }
    }

    [Fact]
    public async Task KilledThreeTimes_EachCiphertextOnce_InTheEnd()
    {
        const int Count = 1200;
        var key = await NewKey();
        var made = await Encrypted(key, [.. Enumerable.Range(0, Count).Select(i => i.ToString(CultureInfo.InvariantCulture))]);
        File.WriteAllLines(Of("in.jsonl"), made.Select((ciphertext, i) => $$"""{"n":{{i}},"ciphertext":"{{ciphertext}}"}"""));
        (await Api.Post($"/v1/keys/{key}/rotate")).Is(HttpStatusCode.OK);
        var input = File.ReadAllBytes(Of("in.jsonl"));
        string[] arguments = ["rewrap", "--to-primary", "in.jsonl", "--out", "out.jsonl", "--batch", "20", "--concurrency", "3", "--checkpoint", "60"];
        await using var gate = await Turnstile.Start(Api);
        foreach (var passes in (int[])[5, 20, 11])
        {
            gate.Let(passes);
            using var process = StartProcess(gate.Address, arguments);
            var errors = process.StandardError.ReadToEndAsync();
            // Everything that may pass has, and the run waits for more.
            await gate.Full(1).WaitAsync(ServiceProcess.Patience);
            Assert.False(process.HasExited, process.HasExited ? await errors : "");
            process.Kill();
            await process.WaitForExitAsync();
            Assert.False(File.Exists(Of("out.jsonl")));
        }

        Assert.InRange(RewrapProgress.Read(Of("out.jsonl.progress")).Lines, 1, Count - 1);
        var (code, output, errorsAtLast) = await Run([.. arguments, "--json"]);
        Assert.Equal(0, code);
        Assert.Contains("Going on after line", errorsAtLast, StringComparison.Ordinal);
        Assert.Equal((Count, true), ((int)JsonNode.Parse(output)!["rewrapped"]!, (bool)JsonNode.Parse(output)!["resumed"]!));

        Assert.Equal(input, File.ReadAllBytes(Of("in.jsonl")));
        Assert.Equal(["admin", "in.jsonl", "out.jsonl"], Directory.GetFiles(PathOf("")).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
        var lines = File.ReadAllLines(Of("out.jsonl")).Select(line => JsonNode.Parse(line)!).ToList();
        Assert.Equal(Enumerable.Range(0, Count), lines.Select(line => (int)line["n"]!));
        foreach (var some in lines.Chunk(1000))
        {
            var answer = (await Api.Post($"/v1/keys/{key}/decrypt", new { items = some.Select(line => new { ciphertext = (string)line["ciphertext"]! }) })).Is(HttpStatusCode.OK).Json;
            Assert.Equal(
                some.Select(line => (2, Tests.Api.Api.Base64(((int)line["n"]!).ToString(CultureInfo.InvariantCulture)))),
                answer["results"]!.AsArray().Select(result => ((int)result!["key_version"]!, (string)result["plaintext"]!)));
        }
    }

    private static string Without(string line, string pointer)
    {
        var place = new JsonLinesFormat(new(pointer, null, null, false)).Read(Encoding.UTF8.GetBytes(line)).Place;
        return line[..place.Start.Value] + line[place.End.Value..];
    }

    private string Of(string name) => PathOf(name);

    // Plaintexts that are texts, with themselves as associated data if they are no numbers.
    private async Task<string[]> Encrypted(string key, string[] texts)
    {
        var made = new List<string>();
        foreach (var some in texts.Chunk(1000))
        {
            var items = some.Select(text => new { plaintext = Tests.Api.Api.Base64(text), associated_data = int.TryParse(text, out _) ? null : Tests.Api.Api.Base64(text) });
            var answer = (await Api.Post($"/v1/keys/{key}/encrypt", new { items })).Is(HttpStatusCode.OK).Json;
            made.AddRange(answer["results"]!.AsArray().Select(result => (string)result!["ciphertext"]!));
        }

        return [.. made];
    }

    private async Task<(int Code, string Output, string Errors)> Run(params string[] arguments)
    {
        var result = await Shell().Run(arguments);
        return (result.Code, result.Output, result.Errors);
    }
}
