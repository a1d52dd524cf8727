using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>Holds a key against what was acknowledged of it: state, versions, ciphertexts or signatures, and counters.</summary>
internal static class KeyVerification
{
    /// <summary>Checks everything that is known of a key, and that it still works.</summary>
    public static async Task Verify(HttpClient http, ExpectedKey key)
    {
        if (key.Pending == "create" && !await Exists(http, key.Id)) return;
        var description = await http.Describe(key.Id);
        if (key.Pending == "import")
        {
            // Whatever became of it: the same material again is the same version.
            var next = key.PrimaryVersion + 1;
            Assert.InRange(description["primary_version"]!.GetValue<int>(), key.PrimaryVersion, next);
            description = await http.Import(key.Id, key.PendingMaterial!);
            Assert.Equal(next, description["primary_version"]!.GetValue<int>());
            key.PrimaryVersion = next;
            key.Materials[next] = key.PendingMaterial!;
        }
        VerifyState(key, description);
        VerifyVersions(key, description);
        VerifyUses(key, description);
        if (description["state"]!.GetValue<string>() == "disabled") await http.Change(key.Id, "enable");
        // The key still works, and what it makes now counts like the rest.
        if (key.Work == KeyWork.Sign)
        {
            await VerifySignatures(http, key);
            var (version, signature) = await http.Sign(key.Id, [1, 2, 3]);
            key.AcknowledgeSignature(version, signature, [1, 2, 3]);
        }
        else if (key.Work == KeyWork.Encrypt)
        {
            await VerifyCiphertexts(http, key);
            var (version, ciphertext) = await http.Encrypt(key.Id, [1, 2, 3]);
            key.Acknowledge(version, ciphertext, [1, 2, 3]);
        }
        else if (key.PrimaryVersion > 0)
        {
            await VerifySignatures(http, key);
            var (version, mac) = await http.Mac(key.Id, [1, 2, 3]);
            key.AcknowledgeMac(version, mac, [1, 2, 3]);
        }
        Adopt(key, await http.Describe(key.Id));
    }

    private static async Task<bool> Exists(HttpClient http, string id)
    {
        using var answer = await http.GetAsync($"/v1/keys/{id}");
        Assert.True(answer.IsSuccessStatusCode || (int)answer.StatusCode == 404, $"{id}: {(int)answer.StatusCode}");
        return answer.IsSuccessStatusCode;
    }

    private static void VerifyState(ExpectedKey key, JsonObject description)
    {
        var disabled = description["state"]!.GetValue<string>() switch
        {
            "disabled" => true,
            "enabled" => false,
            "pending_import" when key.PrimaryVersion == 0 => false,
            var state => throw new InvalidOperationException($"{key.Id} is {state}."),
        };
        if (key.Pending != "toggle") Assert.Equal(key.Disabled, disabled);
    }

    private static void VerifyVersions(ExpectedKey key, JsonObject description)
    {
        var states = description["versions"]!.AsArray()
            .ToDictionary(v => v!["version"]!.GetValue<int>(), v => v!["state"]!.GetValue<string>());
        Assert.Equal(Enumerable.Range(1, states.Count), states.Keys.Order());
        Assert.Equal(states.Count, description["primary_version"]!.GetValue<int>());
        if (!key.RotatesByItself)
        {
            Assert.InRange(states.Count, key.PrimaryVersion, key.PrimaryVersion + (key.Pending == "rotate" ? 1 : 0));
        }
        foreach (var (version, state) in states)
        {
            var mayBeEither = key.Pending == "destroy" && key.PendingVersion == version;
            if (!mayBeEither) Assert.Equal(key.Destroyed.ContainsKey(version) ? "destroyed" : "enabled", state);
        }
        Assert.All(key.UsesOfVersion.Keys, version => Assert.Contains(version, states.Keys));
    }

    private static void VerifyUses(ExpectedKey key, JsonObject description)
    {
        Assert.True(description["uses"]![key.Work.ToString().ToLowerInvariant()]!.GetValue<long>() >= key.Uses, $"{key.Id} was under-counted.");
        foreach (var version in description["versions"]!.AsArray())
        {
            var acknowledged = key.UsesOfVersion.GetValueOrDefault(version!["version"]!.GetValue<int>());
            Assert.True(version["uses"]!.GetValue<long>() >= acknowledged, $"{key.Id} was under-counted: {version.ToJsonString()} < {acknowledged}");
        }
    }

    private static async Task VerifyCiphertexts(HttpClient http, ExpectedKey key)
    {
        var expected = key.Ciphertexts.ToList();
        if (expected.Count == 0) return;
        var results = await http.DecryptAll(key.Id, expected.Select(e => e.Ciphertext));
        Assert.Equal(expected.Count, results.Count);
        foreach (var ((version, _, plaintext), (answer, error)) in expected.Zip(results))
        {
            if (key.Pending == "destroy" && key.PendingVersion == version) continue;
            if (key.Destroyed.ContainsKey(version)) Assert.Equal("version_not_usable", error);
            else Assert.True(error is null && plaintext.AsSpan().SequenceEqual(answer), $"{key.Id} version {version}: {error ?? "wrong plaintext"}");
        }
    }

    private static async Task VerifySignatures(HttpClient http, ExpectedKey key)
    {
        var expected = key.Signatures.ToList();
        if (expected.Count == 0) return;
        var results = await http.VerifyAll(key.Id, expected, areMacs: key.Work == KeyWork.Mac);
        Assert.Equal(expected.Count, results.Count);
        foreach (var ((version, _, _), (isValid, error)) in expected.Zip(results))
        {
            if (key.Pending == "destroy" && key.PendingVersion == version) continue;
            if (key.Destroyed.ContainsKey(version)) Assert.Equal("version_not_usable", error);
            else Assert.True(isValid, $"{key.Id} version {version}: {error ?? "not valid"}");
        }
    }

    /// <summary>What was pending is now known, and must hold from here on.</summary>
    private static void Adopt(ExpectedKey key, JsonObject description)
    {
        key.Pending = null;
        key.Disabled = false;
        key.PrimaryVersion = description["primary_version"]!.GetValue<int>();
        foreach (var version in description["versions"]!.AsArray().Where(v => v!["state"]!.GetValue<string>() == "destroyed"))
        {
            key.Destroyed[version!["version"]!.GetValue<int>()] = true;
        }
    }
}
