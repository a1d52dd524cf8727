using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>
/// Clients of a gateway that create keys, encrypt, decrypt, sign and rotate, each with keys of its own. What is answered well is written
/// down by its request's id.
/// </summary>
internal sealed class MixedLoad(ServiceProcess gateway, string prefix) : IAsyncDisposable
{
    private const int Clients = 12;
    private readonly ConcurrentDictionary<string, string> _answered = new();
    private readonly ConcurrentQueue<string> _contradictions = new();
    private readonly CancellationTokenSource _stop = new();
    private Task[] _clients = [];

    /// <summary>The operations that were answered: the name of each, by the id of its request.</summary>
    public IReadOnlyDictionary<string, string> Answered => _answered;

    public void Start() => _clients = [.. Enumerable.Range(0, Clients).Select(client => Task.Run(() => Run(string.Create(CultureInfo.InvariantCulture, $"{prefix}.{client}"))))];

    /// <summary>Waits until so many more operations were answered.</summary>
    public async Task UntilMore(int count)
    {
        var until = _answered.Count + count;
        using var patience = new CancellationTokenSource(ServiceProcess.Patience);
        while (_answered.Count < until)
        {
            if (Array.Find(_clients, client => client.IsFaulted) is { } failed) await failed;
            Assert.False(patience.IsCancellationRequested, $"{_answered.Count} of {until} were answered.");
            await Task.Delay(5);
        }
    }

    /// <summary>Ends the clients. No answer may have contradicted an earlier one.</summary>
    public async Task Stop()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_clients);
        Assert.Empty(_contradictions);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await ((Task)Task.WhenAll(_clients)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task Run(string name)
    {
        string? key = null, signing = null, ciphertext = null;
        for (var i = 0; !_stop.IsCancellationRequested; i++)
        {
            if (signing is null || key is null || i % 8 == 0)
            {
                // A key whose creation was not answered is used by nobody.
                var id = string.Create(CultureInfo.InvariantCulture, $"{name}.{i}");
                if (signing is null) signing = await Create(id, "ED25519");
                else (key, ciphertext) = (await Create(id, "AES_256_GCM") ?? key, null);
                continue;
            }

            if (ciphertext is null || i % 8 is 1 or 2) ciphertext = (string?)(await Ask("keys:encrypt", $"/v1/keys/{key}/encrypt", new() { ["plaintext"] = "AQID" }))?["ciphertext"] ?? ciphertext;
            else if (i % 8 is 3 or 4) await Decrypt(key, ciphertext);
            else if (i % 8 is 5) await Ask("keys:rotate", $"/v1/keys/{key}/rotate", []);
            else await Ask("keys:sign", $"/v1/keys/{signing}/sign", new() { ["message"] = "AQID" });
        }
    }

    private async Task<string?> Create(string id, string spec) =>
        (string?)(await Ask("keys:create", "/v1/keys", new() { ["id"] = id, ["spec"] = spec }))?["id"];

    private async Task Decrypt(string key, string ciphertext)
    {
        var answer = await Ask("keys:decrypt", $"/v1/keys/{key}/decrypt", new() { ["ciphertext"] = ciphertext });
        if (answer is not null && (string?)answer["plaintext"] != "AQID") _contradictions.Enqueue($"{key}: {answer}");
    }

    private async Task<JsonObject?> Ask(string operation, string path, JsonObject body)
    {
        var id = Guid.NewGuid().ToString("N");
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        request.Headers.Add("X-Request-Id", id);
        try
        {
            using var response = await gateway.Http.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            if (response.IsSuccessStatusCode)
            {
                _answered[id] = operation;
                return JsonNode.Parse(text)!.AsObject();
            }

            // A create or a rotation that was made while its silo died is made again, and then meets itself.
            if ((int)response.StatusCode < 500 && response.StatusCode != HttpStatusCode.Conflict) _contradictions.Enqueue($"{path}: {text}");
        }
        catch (HttpRequestException)
        {
            // The gateway's answer did not come: nothing is known of it.
        }

        return null;
    }
}
