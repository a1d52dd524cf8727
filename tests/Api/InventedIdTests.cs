using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace OrleansKms.Tests.Api;

/// <summary>Callers can make ids up. Whatever they ask of keys that do not exist, nothing of it stays in the service.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed partial class InventedIdTests(DefaultApi api)
{
    private const string Octets = "application/octet-stream";
    private readonly string _prefix = "invented." + Guid.NewGuid().ToString("N") + ".";

    private sealed record Probe(string Method, string Path, string Code, Func<string, object>? Json = null, Func<string, byte[]>? Bytes = null);

    private static readonly string _number = new('0', 32);

    // One for each route that names a key or an alias, and for what refuses before or behind the look at its row.
    private static readonly Probe[] _probes =
    [
        new("GET", "/v1/keys/{id}", "key_not_found"),
        new("GET", "/v1/keys/{id}/history", "key_not_found"),
        new("PATCH", "/v1/keys/{id}", "key_not_found", _ => new { description = "x" }),
        new("PATCH", "/v1/keys/{id}", "invalid_parameter", _ => new { description = new string('x', 1025) }),
        new("POST", "/v1/keys/{id}/rotate", "key_not_found"),
        new("POST", "/v1/keys/{id}/import-parameters", "key_not_found"),
        new("POST", "/v1/keys/{id}/import", "key_not_found", _ => new { import_token = "AQ==", wrapped_material = "AQ==" }),
        new("POST", "/v1/keys/{id}/export", "invalid_parameter", _ => new { wrapping_public_key = "AQ==" }),
        new("POST", "/v1/keys/{id}/enable", "key_not_found"),
        new("POST", "/v1/keys/{id}/disable", "key_not_found"),
        new("POST", "/v1/keys/{id}/versions/1/enable", "key_not_found"),
        new("POST", "/v1/keys/{id}/versions/1/disable", "key_not_found"),
        new("POST", "/v1/keys/{id}/versions/1/destroy", "key_not_found"),
        new("POST", "/v1/keys/{id}/versions/1/destroy", "invalid_parameter", _ => new { after = "P999D" }),
        new("POST", "/v1/keys/{id}/versions/1/cancel-destroy", "key_not_found"),
        new("POST", "/v1/keys/{id}/schedule-deletion", "key_not_found"),
        new("POST", "/v1/keys/{id}/schedule-deletion", "invalid_parameter", _ => new { after = "P999D" }),
        new("POST", "/v1/keys/{id}/cancel-deletion", "key_not_found"),
        new("PUT", "/v1/keys/{id}/policy", "key_not_found", _ => new { statements = Array.Empty<object>() }),
        new("PUT", "/v1/keys/{id}/policy", "invalid_parameter", _ => new { statements = new[] { new { effect = "allow", actions = new[] { "nothing" } } } }),
        new("GET", "/v1/keys/{id}/policy", "key_not_found"),
        new("DELETE", "/v1/keys/{id}/policy", "key_not_found"),
        new("POST", "/v1/keys/{id}/encrypt", "key_not_found", _ => new { plaintext = "AQ==" }),
        new("POST", "/v1/keys/{id}/encrypt", "key_not_found", null, _ => [1]),
        new("POST", "/v1/keys/{id}/decrypt", "key_not_found", _ => new { ciphertext = "AAAA" }),
        new("POST", "/v1/keys/{id}/decrypt", "key_not_found", _ => new { ciphertext = "" }),
        new("POST", "/v1/keys/{id}/decrypt", "key_not_found", null, Forged),
        new("POST", "/v1/keys/{id}/rewrap", "key_not_found", _ => new { ciphertext = "AAAA" }),
        new("POST", "/v1/keys/{id}/rewrap", "key_not_found", _ => new { items = new[] { new { ciphertext = "AAAA" } } }),
        new("POST", "/v1/keys/{id}/datakey", "key_not_found"),
        new("POST", "/v1/keys/{id}/datakey-pair", "key_not_found", _ => new { spec = "X25519" }),
        new("POST", "/v1/keys/{id}/mac", "key_not_found", _ => new { message = "AQ==" }),
        new("POST", "/v1/keys/{id}/mac", "key_not_found", _ => new { items = new[] { new { message = "AQ==" } } }),
        new("POST", "/v1/keys/{id}/mac/verify", "key_not_found", _ => new { message = "AQ==", mac = "AQ==" }),
        new("POST", "/v1/keys/{id}/mac/verify", "key_not_found", _ => new { message = "AQ==", mac = "AQ==", key_version = 7 }),
        new("POST", "/v1/keys/{id}/mac/verify", "key_not_found", _ => new { items = new[] { new { message = "AQ==", mac = "AQ==" } } }),
        new("POST", "/v1/keys/{id}/derive", "key_not_found", _ => new { context = "AQ==" }),
        new("POST", "/v1/keys/{id}/derive", "key_not_found", _ => new { context = "AQ==", key_version = 7 }),
        new("POST", "/v1/keys/{id}/encapsulate", "key_not_found"),
        new("POST", "/v1/keys/{id}/decapsulate", "key_not_found", _ => new { ciphertext = "AQ==" }),
        new("POST", "/v1/keys/{id}/decapsulate", "key_not_found", _ => new { ciphertext = "AQ==", key_version = 7 }),
        new("GET", "/v1/keys/{id}/public-key", "key_not_found"),
        new("GET", "/v1/keys/{id}/backup", "key_not_found"),
        new("POST", "/v1/restore", "invalid_parameter", id => new { backup = (byte[])[.. "okmb"u8, 1, .. new byte[32], (byte)id.Length, .. Encoding.ASCII.GetBytes(id), .. new byte[48]] }),
        new("POST", "/v1/keys/{id}/sign", "key_not_found", _ => new { message = "AQ==" }),
        new("POST", "/v1/keys/{id}/sign", "key_not_found", _ => new { items = new[] { new { message = "AQ==" } } }),
        new("POST", "/v1/keys/{id}/jws", "key_not_found", _ => new { payload = "AQ==" }),
        new("POST", "/v1/keys/{id}/jws", "invalid_parameter", _ => new { payload = "AQ==", typ = "" }),
        new("POST", "/v1/keys/{id}/verify", "key_not_found", _ => new { message = "AQ==", signature = "AQ==" }),
        new("POST", "/v1/keys/{id}/verify", "key_not_found", _ => new { message = "AQ==", signature = "AQ==", key_version = 7 }),
        new("POST", "/v1/keys/{id}/verify", "key_not_found", _ => new { items = new[] { new { message = "AQ==", signature = "AQ==" } } }),
        new("POST", "/v1/decrypt", "key_not_found", id => new { ciphertext = Forged(id) }),
        new("POST", "/encrypt", "key_not_found", id => new { key_id = id, plaintext = "AQ==" }),
        new("POST", "/decrypt", "key_not_found", id => new { ciphertext = Forged(id) }),
        new("POST", "/v1/reencrypt", "key_not_found", id => new { ciphertext = Forged(id), destination_key_id = id + "_" }),
        new("POST", "/v1/keys", "unsupported_algorithm", id => new { id, spec = "ROT13" }),
        new("GET", "/v1/aliases/{id}", "alias_not_found"),
        new("DELETE", "/v1/aliases/{id}", "alias_not_found"),
        new("PUT", "/v1/aliases/{id}", "key_not_found", id => new { key_id = id }),
        new("GET", "/v1/approvals/{id}", "approval_not_found"),
        new("GET", $"/v1/approvals/{{id}}~{_number}", "approval_not_found"),
        new("POST", "/v1/approvals/{id}/approve", "approval_not_found"),
        new("POST", $"/v1/approvals/{{id}}~{_number}/approve", "approval_not_found"),
        new("POST", "/v1/approvals/{id}/reject", "approval_not_found"),
        new("POST", "/v1/approvals/{id}/cancel", "approval_not_found"),
        new("GET", "/v1/approvals?key={id}", "key_not_found"),
        new("GET", "/v1/principals/{id}", "principal_not_found"),
        new("PATCH", "/v1/principals/{id}", "principal_not_found", _ => new { description = "x" }),
        new("DELETE", "/v1/principals/{id}", "principal_not_found"),
        new("POST", "/v1/principals/{id}/enable", "principal_not_found"),
        new("POST", "/v1/principals/{id}/disable", "principal_not_found"),
        new("GET", "/v1/principals/{id}/tokens", "principal_not_found"),
        new("POST", "/v1/principals/{id}/tokens", "principal_not_found"),
        new("DELETE", "/v1/principals/{id}/tokens/{id}", "invalid_parameter"),
        new("GET", "/v1/policies/{id}", "policy_not_found"),
        new("DELETE", "/v1/policies/{id}", "policy_not_found"),
        new("PUT", "/v1/policies/{id}", "invalid_parameter", _ => new { statements = new[] { new { effect = "allow", actions = new[] { "nothing" }, keys = new[] { "*" } } } }),
        new("POST", "/v1/keys/alias:{id}/encrypt", "alias_not_found", _ => new { plaintext = "AQ==" }),
    ];

    /// <summary>What is known of every route that names a key or an alias, today's and tomorrow's.</summary>
    [Fact]
    public async Task EveryRouteThatNamesAKeyOrAnAlias_IsProbed()
    {
        var probed = _probes.Select(probe => $"{probe.Method} {probe.Path.Replace("/1/", "/{n}/", StringComparison.Ordinal)}");
        var paths = (await api.Get("/openapi/v1.json")).Json["paths"]!.AsObject()
            .Where(path => path.Key.StartsWith("/v1/keys/{id}", StringComparison.Ordinal) || path.Key.StartsWith("/v1/aliases/{name}", StringComparison.Ordinal));
        var routes = paths.SelectMany(path => path.Value!.AsObject().Select(operation => $"{operation.Key.ToUpperInvariant()} {path.Key.Replace("{name}", "{id}", StringComparison.Ordinal)}"));
        Assert.Empty(routes.Except(probed));
    }

    [Fact]
    public async Task IdsThatAreMadeUp_OnEveryRoute_LeaveNoActivationAndNoSeries()
    {
        var (before, counted) = (await Activations(), await UnknownKeys());
        await TryEach(_probes, idsOfEach: 200);
        await TryMany("many");
        await LeaveNothing(before, counted + (5 * 200) + 2000);
    }

    /// <summary>So many that whatever stays of each is seen in the memory of the process: of an activation it would be hundreds of megabytes.</summary>
    [Fact]
    [Trait("Category", "Faults")]
    public async Task TwoThousandIds_OnEachRoute_LeaveMemoryAsItWas()
    {
        const int Ids = 2_000, Growth = 64 * 1024 * 1024;
        var (before, counted) = (await Activations(), await UnknownKeys());
        // What one route needs for as many at once, the others find there.
        await TryEach([_probes[0]], Ids);
        var heap = await Heap();
        await TryEach(_probes[1..], Ids);
        for (var i = 0; i < Ids / 1000; i++) await TryMany($"many{i}");
        await LeaveNothing(before, counted + (7 * Ids));
        Assert.InRange(await Heap(), 0, heap + Growth);
    }

    private async Task TryEach(Probe[] probes, int idsOfEach)
    {
        var requests = probes.SelectMany((probe, p) => Enumerable.Range(0, idsOfEach).Select(i => (probe, Id: $"{_prefix}{probes.Length}.{p}.{i}")));
        await Parallel.ForEachAsync(requests, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (request, _) => await Try(request.probe, request.Id));
    }

    /// <summary>A thousand in one request, on each route that takes many.</summary>
    private async Task TryMany(string name)
    {
        var ids = Enumerable.Range(0, 1000).Select(i => $"{_prefix}{name}.{i}").ToArray();
        await EveryResult("/v1/keys/validate", new { ids });
        await EveryResult("/v1/keys", new { items = ids.Select(id => new { id, spec = "ROT13" }) }, "unsupported_algorithm");
        foreach (var operation in new Func<string, object>[]
        {
            id => new { op = "encrypt", key_id = id, plaintext = "AQ==" }, id => new { op = "decrypt", key_id = id, ciphertext = "AAAA" },
            id => new { op = "decrypt", ciphertext = Forged(id) }, id => new { op = "rewrap", key_id = id, ciphertext = "AAAA" },
            id => new { op = "datakey", key_id = id },
        })
        {
            await EveryResult("/v1/batch", new { operations = ids.Select(operation) });
        }
    }

    private async Task LeaveNothing(long activations, long counted)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (await UnknownKeys() < counted) await Task.Delay(100, patience.Token);
        Assert.DoesNotContain(_prefix, (await api.Get("/metrics")).Is(HttpStatusCode.OK).Text, StringComparison.Ordinal);
        // The dashboard counts every second, so that what the tests before this one made may not be in its first figure.
        while (await Activations() > activations + 100) await Task.Delay(100, patience.Token);
    }

    private async Task Try(Probe probe, string id)
    {
        var body = probe.Bytes?.Invoke(id) ?? (probe.Json is { } json ? JsonSerializer.SerializeToUtf8Bytes(json(id)) : null);
        var path = probe.Path.Replace("{id}", id, StringComparison.Ordinal);
        var answer = body is null
            ? await api.Send(new HttpRequestMessage(new HttpMethod(probe.Method), path))
            : await api.Body(new HttpMethod(probe.Method), path, body, probe.Bytes is null ? "application/json" : Octets);
        Assert.Equal((probe.Path, probe.Code), (probe.Path, answer.Code));
    }

    private async Task EveryResult(string path, object body, string code = "key_not_found")
    {
        var results = (await api.Post(path, body)).Is(HttpStatusCode.OK).Json["results"]!.AsArray();
        Assert.Equal(1000, results.Count);
        Assert.All(results, r => Assert.Equal(code, (string?)r!["error"]?["code"]));
    }

    /// <summary>How many decryptions by keys that do not exist the metrics count.</summary>
    private Task<long> UnknownKeys() => Metric(Unknown());

    /// <summary>The bytes of all generations after the last collection.</summary>
    private Task<long> Heap() => Metric(HeapSize());

    private async Task<long> Metric(Regex sample) =>
        sample.Matches((await api.Get("/metrics")).Is(HttpStatusCode.OK).Text).Sum(match => long.Parse(match.Groups[1].Value, null));

    /// <summary>How many keys and aliases are in memory, as the dashboard tells.</summary>
    private async Task<long> Activations()
    {
        var counters = (await api.Get("/dashboard/DashboardCounters")).Is(HttpStatusCode.OK).Json;
        return counters["simpleGrainStats"]!.AsArray().Where(IsOfIds).Sum(s => (long)s!["activationCount"]!);
    }

    private static bool IsOfIds(JsonNode? grain) =>
        (string)grain!["grainType"]! is var type && (type.EndsWith("KeyGrain", StringComparison.Ordinal) || type.EndsWith("AliasGrain", StringComparison.Ordinal));

    /// <summary>A ciphertext with a good header, and nothing of a key behind it.</summary>
    private static byte[] Forged(string id) =>
        [1, 1, 0, 0, 0, 1, (byte)id.Length, .. Encoding.ASCII.GetBytes(id), .. new byte[12 + 1 + 16]];

    [GeneratedRegex("decryptions_total\\{key_id=\"unknown\",status=\"key_not_found\"\\} (\\d+)")]
    private static partial Regex Unknown();

    [GeneratedRegex(@"dotnet_gc_last_collection_heap_size_bytes\{[^}]*\} (\d+)")]
    private static partial Regex HeapSize();
}
