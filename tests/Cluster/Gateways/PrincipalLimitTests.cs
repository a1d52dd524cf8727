using System.Globalization;
using System.Text.Json.Nodes;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Gateways;

/// <summary>A principal's limits by two gateways: they are the principal's, whichever gateway it goes by and whichever key it uses.</summary>
[Collection(TwoGatewaysCollection.Name)]
public sealed class PrincipalLimitTests(TwoGateways gateways)
{
    [Fact]
    public async Task Windows_HoldOverBothGateways_AndEachRefusalSaysWhichAndForHowLong()
    {
        foreach (var key in (string[])["limited.one", "limited.two"]) await gateways.First.Http.Create(key);
        await gateways.First.Http.Post("/v1/principals", new()
        {
            ["name"] = "limited",
            ["policies"] = new JsonArray("key-user"),
            ["limits"] = new JsonArray(
                new JsonObject { ["count"] = 30, ["per"] = "PT1H" },
                new JsonObject { ["count"] = 5, ["per"] = "P1D", ["of"] = "keys:decrypt" },
                new JsonObject { ["count"] = 1000, ["per"] = "PT1M", ["of"] = "*" }),
        });
        var token = (string)(await gateways.First.Http.Post("/v1/principals/limited/tokens"))["token"]!;
        var ciphertext = (await gateways.First.Http.Encrypt("limited.one", [1])).Ciphertext;

        // By both in turn, for two keys: exactly as many as may are answered, since of a small limit nothing lies about unused.
        var decrypted = await SendAll(20, "decrypt", ("ciphertext", Convert.ToBase64String(ciphertext)));
        Assert.Equal(5, decrypted.Count(answer => answer.Status == 200));
        foreach (var refused in decrypted.Where(answer => answer.Status != 200)) Is(refused, "The limit of principal limited, 5 of keys:decrypt per P1D, is reached.", 86_400);

        // What the narrower limit refused was counted by the wider one neither.
        var encrypted = await SendAll(40, "encrypt", ("plaintext", "AQ=="));
        Assert.Equal(25, encrypted.Count(answer => answer.Status == 200));
        foreach (var refused in encrypted.Where(answer => answer.Status != 200)) Is(refused, "The limit of principal limited, 30 of use per PT1H, is reached.", 3600);

        // Who asks for something else, and who has no limits, goes on.
        Assert.Equal(200, (await TwoGateways.Send(gateways.Second, token, HttpMethod.Get, "/v1/whoami")).Status);
        await gateways.Second.Http.Encrypt("limited.one", [1]);

        // Limits that are lifted by one gateway hold at the other no longer than the bound.
        await gateways.First.Http.Send(HttpMethod.Patch, "/v1/principals/limited", new() { ["limits"] = new JsonArray() });
        using var patience = new CancellationTokenSource(ServiceProcess.Patience);
        while ((await Send(token, 1, "encrypt", ("plaintext", "AQ=="))).Status != 200) await Task.Delay(100, patience.Token);

        async Task<List<(int Status, JsonNode? Body, System.Net.Http.Headers.HttpResponseHeaders Headers)>> SendAll(int count, string verb, (string Name, string Value) field)
        {
            var answers = new List<(int, JsonNode?, System.Net.Http.Headers.HttpResponseHeaders)>();
            for (var i = 0; i < count; i++) answers.Add(await Send(token, i, verb, field));
            return answers;
        }
    }

    /// <summary>By many callers at once, over three silos: whoever is refused was preceded by as many as may be, within what gateways hold unused.</summary>
    [Fact]
    public async Task ConcurrentCallers_OverBothGateways_AreAdmittedWithinFivePercentOfTheLimit()
    {
        const int Limit = 300;
        await gateways.First.Http.Create("limited.many");
        await gateways.First.Http.Post("/v1/principals", new()
        {
            ["name"] = "limited-many",
            ["policies"] = new JsonArray("key-user"),
            ["limits"] = new JsonArray(new JsonObject { ["count"] = Limit, ["per"] = "PT1H" }),
        });
        var token = (string)(await gateways.First.Http.Post("/v1/principals/limited-many/tokens"))["token"]!;
        var admitted = await Task.WhenAll(Enumerable.Range(0, 16).Select(async caller =>
        {
            var gateway = caller % 2 == 0 ? gateways.First : gateways.Second;
            for (var (made, refused) = (0, 0); ;)
            {
                var (status, body, _) = await TwoGateways.Send(gateway, token, HttpMethod.Post, "/v1/keys/limited.many/encrypt", new JsonObject { ["plaintext"] = "AQ==" });
                if (status == 200) made++;
                else if (status == 429) refused++;
                else Assert.True(status is 401 or 503, $"{status} {body}");
                if (refused == 5) return made;
            }
        }));
        Assert.InRange(admitted.Sum(), 0.95 * Limit, Limit);
    }

    private Task<(int Status, JsonNode? Body, System.Net.Http.Headers.HttpResponseHeaders Headers)> Send(string token, int i, string verb, (string Name, string Value) field)
    {
        // A ciphertext names its key.
        var key = verb == "encrypt" && i % 3 == 0 ? "limited.two" : "limited.one";
        return TwoGateways.Send(i % 2 == 0 ? gateways.First : gateways.Second, token, HttpMethod.Post, $"/v1/keys/{key}/{verb}", new JsonObject { [field.Name] = field.Value });
    }

    private static void Is((int Status, JsonNode? Body, System.Net.Http.Headers.HttpResponseHeaders Headers) answer, string detail, int window)
    {
        Assert.Equal((429, "rate_limited", detail), (answer.Status, (string)answer.Body!["code"]!, (string)answer.Body["detail"]!));
        Assert.InRange(int.Parse(Assert.Single(answer.Headers.GetValues("Retry-After")), CultureInfo.InvariantCulture), window - 600, window);
    }
}
