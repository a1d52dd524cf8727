using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Api;

/// <summary>
/// The order of checks, on every route and in every form of it: sign-in, permission, form, key, state, cryptography. Each form is
/// sent with every pair of faults, and says what comes first.
/// </summary>
[Collection(DefaultApiCollection.Name)]
public sealed class OrderTests(DefaultApi api)
{
    private const string Octets = "application/octet-stream";
    private static readonly byte[] _associatedData = [1, 2, 3];

    private static readonly Lazy<string> _wrappingKey = new(() =>
    {
        using var key = RSA.Create(2048);
        return key.ExportSubjectPublicKeyInfoPem();
    });

    /// <summary>What a form is made of. <c>Field</c> is a value that breaks a rule that needs no key, where one is wanted.</summary>
    private sealed record Parts(string Key, byte[] Ciphertext, byte[] AssociatedData, bool Field);

    /// <summary>A request before it is sent: the path, the body as JSON or as bytes, and the code of a bad field.</summary>
    private sealed record Form(string Method, string Path, JsonObject? Json, byte[]? Bytes = null, byte[]? Header = null);

    /// <summary>A fault, the stage at which it is found, and the code that it has.</summary>
    private sealed record Fault(int Stage, string Name, string Code, Func<Draft, Draft> Apply);

    /// <summary>A request that gets its faults. <c>Named</c> is the key that the ciphertext names.</summary>
    private sealed record Draft(string Key, string? Named, byte[] Ciphertext, byte[] AssociatedData)
    {
        public bool SignsIn { get; init; } = true;

        public bool IsTruncated { get; init; }

        public string? ExtraHeader { get; init; }

        public bool BadField { get; init; }
    }

    private static JsonObject One(Parts p, string field) => new()
    {
        [field] = Base64(field == "plaintext" ? [7] : p.Ciphertext),
        ["associated_data"] = Base64(p.AssociatedData),
    };

    private static JsonObject Operation(string op, Parts p, string? field)
    {
        var operation = field is null ? new JsonObject { ["associated_data"] = Base64(p.AssociatedData) } : One(p, field);
        operation["op"] = op;
        operation["key_id"] = p.Key;
        return new JsonObject { ["operations"] = new JsonArray(operation) };
    }

    private static JsonObject Items(JsonObject item) => new() { ["items"] = new JsonArray(item) };

    private static JsonObject With(JsonObject body, string field, JsonNode value)
    {
        body[field] = value;
        return body;
    }

    private static JsonObject WithoutKey(JsonObject batch)
    {
        batch["operations"]![0]!.AsObject().Remove("key_id");
        return batch;
    }

    private static JsonObject Moved(Parts p, string source) => new()
    {
        ["ciphertext"] = Base64(p.Ciphertext),
        ["associated_data"] = Base64(p.AssociatedData),
        ["destination_key_id"] = source,
    };

    private static string Base64(byte[] bytes) => Convert.ToBase64String(bytes);

    /// <summary>The forms in which the request names a key.</summary>
    private static readonly Dictionary<string, Func<Parts, Form>> _byName = new()
    {
        ["encrypt"] = p => new("POST", $"/v1/keys/{p.Key}/encrypt", One(p, "plaintext")),
        ["encrypt items"] = p => new("POST", $"/v1/keys/{p.Key}/encrypt", Items(One(p, "plaintext"))),
        ["encrypt octets"] = p => new("POST", $"/v1/keys/{p.Key}/encrypt", null, [7], p.AssociatedData),
        ["encrypt short"] = p => new("POST", "/encrypt", With(One(p, "plaintext"), "key_id", p.Key)),
        ["encrypt batch"] = p => new("POST", "/v1/batch", Operation("encrypt", p, "plaintext")),
        ["decrypt"] = p => new("POST", $"/v1/keys/{p.Key}/decrypt", One(p, "ciphertext")),
        ["decrypt items"] = p => new("POST", $"/v1/keys/{p.Key}/decrypt", Items(One(p, "ciphertext"))),
        ["decrypt octets"] = p => new("POST", $"/v1/keys/{p.Key}/decrypt", null, p.Ciphertext, p.AssociatedData),
        ["decrypt short"] = p => new("POST", "/decrypt", With(One(p, "ciphertext"), "key_id", p.Key)),
        ["decrypt batch"] = p => new("POST", "/v1/batch", Operation("decrypt", p, "ciphertext")),
        ["rewrap"] = p => new("POST", $"/v1/keys/{p.Key}/rewrap", One(p, "ciphertext")),
        ["rewrap items"] = p => new("POST", $"/v1/keys/{p.Key}/rewrap", Items(One(p, "ciphertext"))),
        ["rewrap batch"] = p => new("POST", "/v1/batch", Operation("rewrap", p, "ciphertext")),
        ["datakey"] = p => new("POST", $"/v1/keys/{p.Key}/datakey", With([], "associated_data", Base64(p.AssociatedData))),
        ["datakey batch"] = p => new("POST", "/v1/batch", Operation("datakey", p, null)),
        ["datakey pair"] = p => new("POST", $"/v1/keys/{p.Key}/datakey-pair", With(With([], "spec", "X25519"), "associated_data", Base64(p.AssociatedData))),
        ["reencrypt"] = p => new("POST", "/v1/reencrypt", Moved(p, p.Key)),
        ["reencrypt batch"] = p => new("POST", "/v1/batch", new() { ["operations"] = new JsonArray(With(Moved(p, p.Key), "op", "reencrypt")) }),
    };

    private static JsonObject Signed(bool withSignature, JsonObject? body = null)
    {
        body = With(body ?? [], "message", "Bw==");
        return withSignature ? With(body, "signature", "AQ==") : body;
    }

    /// <summary>The forms of keys that sign.</summary>
    private static readonly Dictionary<string, Func<Parts, Form>> _bySigningKey = new()
    {
        ["sign"] = p => new("POST", $"/v1/keys/{p.Key}/sign", Signed(false)),
        ["sign items"] = p => new("POST", $"/v1/keys/{p.Key}/sign", Items(Signed(false))),
        ["sign batch"] = p => new("POST", "/v1/batch", new() { ["operations"] = new JsonArray(Signed(false, new() { ["op"] = "sign", ["key_id"] = p.Key })) }),
        ["jws"] = p => new("POST", $"/v1/keys/{p.Key}/jws", With([], "payload", "Bw==")),
        ["verify"] = p => new("POST", $"/v1/keys/{p.Key}/verify", Signed(true)),
        ["verify items"] = p => new("POST", $"/v1/keys/{p.Key}/verify", Items(Signed(true))),
        ["verify batch"] = p => new("POST", "/v1/batch", new() { ["operations"] = new JsonArray(Signed(true, new() { ["op"] = "verify", ["key_id"] = p.Key })) }),
    };

    private static JsonObject Authenticated(bool withMac, JsonObject? body = null)
    {
        body = With(body ?? [], "message", "Bw==");
        return withMac ? With(body, "mac", Base64(new byte[32])) : body;
    }

    /// <summary>The forms of keys that make MACs.</summary>
    private static readonly Dictionary<string, Func<Parts, Form>> _byMacKey = new()
    {
        ["mac"] = p => new("POST", $"/v1/keys/{p.Key}/mac", Authenticated(false)),
        ["mac items"] = p => new("POST", $"/v1/keys/{p.Key}/mac", Items(Authenticated(false))),
        ["mac batch"] = p => new("POST", "/v1/batch", new() { ["operations"] = new JsonArray(Authenticated(false, new() { ["op"] = "mac", ["key_id"] = p.Key })) }),
        ["verify mac"] = p => new("POST", $"/v1/keys/{p.Key}/mac/verify", Authenticated(true)),
        ["verify mac items"] = p => new("POST", $"/v1/keys/{p.Key}/mac/verify", Items(Authenticated(true))),
        ["verify mac batch"] = p => new("POST", "/v1/batch", new() { ["operations"] = new JsonArray(Authenticated(true, new() { ["op"] = "verify-mac", ["key_id"] = p.Key })) }),
    };

    /// <summary>The forms of keys that derive.</summary>
    private static readonly Dictionary<string, Func<Parts, Form>> _byDerivingKey = new()
    {
        ["derive"] = p => new("POST", $"/v1/keys/{p.Key}/derive", With(With([], "context", "AQ=="), "bytes", p.Field ? 0 : 32)),
        ["derive from version"] = p => new("POST", $"/v1/keys/{p.Key}/derive", With(With([], "context", "AQ=="), "key_version", p.Field ? 0 : 1)),
    };

    /// <summary>The forms of keys that encapsulate: any ciphertext of the right length leads to a secret.</summary>
    private static readonly Dictionary<string, Func<Parts, Form>> _byEncapsulatingKey = new()
    {
        ["encapsulate"] = p => new("POST", $"/v1/keys/{p.Key}/encapsulate", []),
        ["decapsulate"] = p => new("POST", $"/v1/keys/{p.Key}/decapsulate", With([], "ciphertext", Base64(new byte[1088]))),
        ["decapsulate by version"] = p => new(
            "POST", $"/v1/keys/{p.Key}/decapsulate", With(With([], "ciphertext", Base64(new byte[1088])), "key_version", p.Field ? 0 : 1)),
    };

    /// <summary>The forms in which the ciphertext names the key.</summary>
    private static readonly Dictionary<string, Func<Parts, Form>> _byCiphertext = new()
    {
        ["decrypt"] = p => new("POST", "/v1/decrypt", One(p, "ciphertext")),
        ["decrypt octets"] = p => new("POST", "/v1/decrypt", null, p.Ciphertext, p.AssociatedData),
        ["decrypt short"] = p => new("POST", "/decrypt", One(p, "ciphertext")),
        ["decrypt batch"] = p => new("POST", "/v1/batch", WithoutKey(Operation("decrypt", p, "ciphertext"))),
        ["reencrypt"] = p => new("POST", "/v1/reencrypt", Moved(p, p.Key)),
    };

    /// <summary>The routes that manage a key.</summary>
    private static readonly Dictionary<string, Func<Parts, Form>> _managing = new()
    {
        ["describe"] = p => new("GET", $"/v1/keys/{p.Key}", null),
        ["history"] = p => new("GET", $"/v1/keys/{p.Key}/history{(p.Field ? "?limit=0" : "")}", null),
        ["public key"] = p => new("GET", $"/v1/keys/{p.Key}/public-key{(p.Field ? "?version=0" : "")}", null),
        ["backup"] = p => new("GET", $"/v1/keys/{p.Key}/backup", null),
        ["import parameters"] = p => new("POST", $"/v1/keys/{p.Key}/import-parameters", []),
        ["import"] = p => new("POST", $"/v1/keys/{p.Key}/import", With(With([], "import_token", "AQID"), "wrapped_material", "AQID")),
        ["export"] = p => new("POST", $"/v1/keys/{p.Key}/export", With(With([], "version", p.Field ? 0 : 1), "wrapping_public_key", _wrappingKey.Value)),
        ["update"] = p => new("PATCH", $"/v1/keys/{p.Key}", new() { ["description"] = new string('d', p.Field ? 1025 : 1) }),
        ["update rotation"] = p => new("PATCH", $"/v1/keys/{p.Key}", new() { ["rotation"] = new JsonObject { ["after_uses"] = p.Field ? 0 : 9 } }),
        ["update minimum"] = p => new("PATCH", $"/v1/keys/{p.Key}", new() { ["min_decrypt_version"] = p.Field ? 0 : 1 }),
        ["rotate"] = p => new("POST", $"/v1/keys/{p.Key}/rotate", []),
        ["enable"] = p => new("POST", $"/v1/keys/{p.Key}/enable", []),
        ["disable"] = p => new("POST", $"/v1/keys/{p.Key}/disable", []),
        ["enable version"] = p => new("POST", $"/v1/keys/{p.Key}/versions/{(p.Field ? 0 : 1)}/enable", []),
        ["disable version"] = p => new("POST", $"/v1/keys/{p.Key}/versions/{(p.Field ? 0 : 1)}/disable", []),
        ["destroy version"] = p => new("POST", $"/v1/keys/{p.Key}/versions/{(p.Field ? 0 : 1)}/destroy", []),
        ["destroy version after"] = p => new("POST", $"/v1/keys/{p.Key}/versions/1/destroy", new() { ["after"] = p.Field ? "P999D" : "P30D" }),
        ["cancel destruction"] = p => new("POST", $"/v1/keys/{p.Key}/versions/{(p.Field ? 0 : 1)}/cancel-destroy", []),
        ["schedule deletion"] = p => new("POST", $"/v1/keys/{p.Key}/schedule-deletion", new() { ["after"] = p.Field ? "P999D" : "P30D" }),
        ["cancel deletion"] = p => new("POST", $"/v1/keys/{p.Key}/cancel-deletion", []),
        ["describe policy"] = p => new("GET", $"/v1/keys/{p.Key}/policy", null),
        ["set policy"] = p => new("PUT", $"/v1/keys/{p.Key}/policy", new() { ["statements"] = new JsonArray(new JsonObject { ["effect"] = "deny", ["actions"] = new JsonArray(p.Field ? "nothing" : "keys:rotate") }) }),
        ["remove policy"] = p => new("DELETE", $"/v1/keys/{p.Key}/policy", null),
        ["alias"] = p => new("PUT", $"/v1/aliases/{(p.Field ? "-x" : "x-" + p.Key.Replace("alias:", "", StringComparison.Ordinal))}", new() { ["key_id"] = p.Key }),
    };

    /// <summary>The routes of what is no key: with the code of something that is not there, and of a name that can be none.</summary>
    private static readonly Dictionary<string, (string Missing, string Invalid, Func<Parts, Form> Make)> _others = new()
    {
        ["describe alias"] = ("alias_not_found", "invalid_parameter", p => new("GET", $"/v1/aliases/{p.Key}", null)),
        ["remove alias"] = ("alias_not_found", "invalid_parameter", p => new("DELETE", $"/v1/aliases/{p.Key}", null)),
        ["describe limits"] = ("not_found", "invalid_parameter", p => new("GET", $"/v1/namespaces/{p.Key}/limits", null)),
        ["remove limits"] = ("not_found", "invalid_parameter", p => new("DELETE", $"/v1/namespaces/{p.Key}/limits", null)),
        ["describe approval"] = ("approval_not_found", "approval_not_found", p => new("GET", $"/v1/approvals/{p.Key}", null)),
        ["approve"] = ("approval_not_found", "approval_not_found", p => new("POST", $"/v1/approvals/{p.Key}/approve", [])),
        ["reject"] = ("approval_not_found", "approval_not_found", p => new("POST", $"/v1/approvals/{p.Key}/reject", [])),
        ["cancel approval"] = ("approval_not_found", "approval_not_found", p => new("POST", $"/v1/approvals/{p.Key}/cancel", [])),
        ["describe principal"] = ("principal_not_found", "principal_not_found", p => new("GET", $"/v1/principals/{p.Key}", null)),
        ["update principal"] = ("principal_not_found", "principal_not_found", p => new("PATCH", $"/v1/principals/{p.Key}", new() { ["description"] = "d" })),
        ["delete principal"] = ("principal_not_found", "principal_not_found", p => new("DELETE", $"/v1/principals/{p.Key}", null)),
        ["enable principal"] = ("principal_not_found", "principal_not_found", p => new("POST", $"/v1/principals/{p.Key}/enable", [])),
        ["disable principal"] = ("principal_not_found", "principal_not_found", p => new("POST", $"/v1/principals/{p.Key}/disable", [])),
        ["list tokens"] = ("principal_not_found", "principal_not_found", p => new("GET", $"/v1/principals/{p.Key}/tokens", null)),
        ["create token"] = ("principal_not_found", "principal_not_found", p => new("POST", $"/v1/principals/{p.Key}/tokens", [])),
        ["revoke token"] = ("principal_not_found", "principal_not_found", p => new("DELETE", $"/v1/principals/{p.Key}/tokens/{(p.Key == "{id}" ? p.Key : "0123456789abcdef")}", null)),
        ["describe a policy"] = ("policy_not_found", "invalid_parameter", p => new("GET", $"/v1/policies/{p.Key}", null)),
        ["delete a policy"] = ("policy_not_found", "invalid_parameter", p => new("DELETE", $"/v1/policies/{p.Key}", null)),
        ["destroy KEK"] = ("not_found", "invalid_parameter", p => new("POST", $"/v1/admin/keks/{p.Key}/destroy", [])),
    };

    /// <summary>The routes that make what they name, or replace it.</summary>
    private static readonly Dictionary<string, Func<Parts, Form>> _making = new()
    {
        ["put a policy"] = p => new("PUT", $"/v1/policies/{p.Key}", new() { ["statements"] = new JsonArray(new JsonObject { ["effect"] = "deny", ["actions"] = new JsonArray(p.Field ? "nothing" : "use"), ["keys"] = new JsonArray("*") }) }),
    };

    public static TheoryData<string, bool> NamedForms()
    {
        var rows = new TheoryData<string, bool>();
        foreach (var name in _byName.Keys)
        {
            rows.Add(name, false);
            rows.Add(name, true);
        }

        return rows;
    }

    public static TheoryData<string> SigningForms => new(_bySigningKey.Keys);

    public static TheoryData<string> MacForms => new(_byMacKey.Keys);

    public static TheoryData<string> DerivingForms => new(_byDerivingKey.Keys);

    public static TheoryData<string> EncapsulatingForms => new(_byEncapsulatingKey.Keys);

    public static TheoryData<string> CiphertextForms => new(_byCiphertext.Keys);

    public static TheoryData<string> ManagingForms => new(_managing.Keys);

    public static TheoryData<string> OtherForms => new(_others.Keys);

    /// <summary>A route that names a key, an alias or a KEK, and is in none of these tables, is one of which nobody knows the order.</summary>
    [Fact]
    public async Task EveryRouteOfKeysAliasesAndKeks_IsInOneOfTheTables()
    {
        var parts = new Parts("{id}", [], [], false);
        var forms = _byName.Values.Concat(_bySigningKey.Values).Concat(_byMacKey.Values).Concat(_byDerivingKey.Values).Concat(_byEncapsulatingKey.Values).Concat(_byCiphertext.Values).Concat(_managing.Values).Concat(_others.Values.Select(other => other.Make)).Concat(_making.Values)
            .Select(make => make(parts)).Select(form => $"{form.Method} {form.Path.Replace("/1/", "/{n}/", StringComparison.Ordinal).Replace("x-{id}", "{id}", StringComparison.Ordinal)}");
        var paths = (await api.Get("/openapi/v1.json")).Json["paths"]!.AsObject().Where(path => path.Key.Contains('{', StringComparison.Ordinal)
            && path.Key.Split('/')[2] is ("keys" or "aliases" or "admin"));
        var routes = paths.SelectMany(path => path.Value!.AsObject().Select(operation => $"{operation.Key.ToUpperInvariant()} {path.Key.Replace("{name}", "{id}", StringComparison.Ordinal).Replace("{prefix}", "{id}", StringComparison.Ordinal)}"));

        // It makes what it names, whether or not that is there: NamespaceLimitTests has its faults.
        Assert.Empty(routes.Except(forms).Except(["PUT /v1/namespaces/{id}/limits"]));
    }

    [Theory]
    [MemberData(nameof(NamedForms))]
    public async Task KeyThatTheRequestNames_EveryPairOfFaults_SaysWhatComesFirst(string name, bool byAlias)
    {
        var make = _byName[name];
        var key = await Made();
        var ciphertext = await api.Encrypt(key, [7], _associatedData);
        string[] states = [await Disabled(), await PendingDeletion(), await Destroyed()];
        var faults = FormFaults(make, hasField: false);
        if (!byAlias)
        {
            // An alias that does not exist comes before the form, since the permission is for the key that it stands for.
            faults.Add(new(3, "no such key", "key_not_found", d => d with { Key = Api.NewId() }));
        }

        foreach (var (state, code) in states.Zip((string[])["key_disabled", "key_pending_deletion", "key_destroyed"]))
        {
            var named = byAlias ? Alias(state) : state;
            faults.Add(new(4, code, code, d => d with { Key = named }));
        }

        if (make(new("k", [0x42, 0x43], [], false)) is var probe && Text(probe).Contains("QkM=", StringComparison.Ordinal))
        {
            var other = await api.Encrypt(await api.NewKey(), [7], _associatedData);
            byte[][] bad = [[], [1, 2, 3], [.. ciphertext[..^1], (byte)(ciphertext[^1] ^ 1)], .. (byte[][])(name.StartsWith("reencrypt", StringComparison.Ordinal) ? [] : [other])];
            faults.AddRange(bad.Select((b, i) => new Fault(5, $"bad ciphertext {i}", "invalid_ciphertext", d => d with { Ciphertext = b })));
        }

        var alias = byAlias ? Alias(key) : key;
        await TryPairs(make, new(alias, null, ciphertext, _associatedData), faults);
    }

    [Theory]
    [MemberData(nameof(SigningForms))]
    public Task KeyThatSigns_EveryPairOfFaults_SaysWhatComesFirst(string name) =>
        KeyOfAnotherUsage_EveryPairOfFaults_SaysWhatComesFirst(_bySigningKey[name], "ECC_NIST_P256", hasField: false, name == "jws" ? "jws" : "sign_verify");

    [Theory]
    [MemberData(nameof(MacForms))]
    public Task KeyThatMakesMacs_EveryPairOfFaults_SaysWhatComesFirst(string name) =>
        KeyOfAnotherUsage_EveryPairOfFaults_SaysWhatComesFirst(_byMacKey[name], "HMAC_256", hasField: false);

    [Theory]
    [MemberData(nameof(DerivingForms))]
    public Task KeyThatDerives_EveryPairOfFaults_SaysWhatComesFirst(string name) =>
        KeyOfAnotherUsage_EveryPairOfFaults_SaysWhatComesFirst(_byDerivingKey[name], "HKDF_256", hasField: true);

    [Theory]
    [MemberData(nameof(EncapsulatingForms))]
    public Task KeyThatEncapsulates_EveryPairOfFaults_SaysWhatComesFirst(string name) =>
        KeyOfAnotherUsage_EveryPairOfFaults_SaysWhatComesFirst(_byEncapsulatingKey[name], "ML_KEM_768", hasField: name == "decapsulate by version");

    private async Task KeyOfAnotherUsage_EveryPairOfFaults_SaysWhatComesFirst(Func<Parts, Form> make, string spec, bool hasField, string? usage = null)
    {
        var key = await api.NewKey(usage is null ? new { spec } : (object)new { spec, usage });
        string[] states = [await Disabled(), await PendingDeletion(), await Destroyed()];
        var encrypts = await api.NewKey();
        var faults = FormFaults(make, hasField);
        faults.Add(new(3, "no such key", "key_not_found", d => d with { Key = Api.NewId() }));
        foreach (var (state, code) in states.Zip((string[])["key_disabled", "key_pending_deletion", "key_destroyed"]))
        {
            faults.Add(new(4, code, code, d => d with { Key = state }));
        }

        faults.Add(new(4, "wrong_key_usage", "wrong_key_usage", d => d with { Key = encrypts }));
        await TryPairs(make, new(key, null, [], []), faults);
    }

    [Theory]
    [MemberData(nameof(CiphertextForms))]
    public async Task KeyThatTheCiphertextNames_EveryPairOfFaults_SaysWhatComesFirst(string name)
    {
        var make = _byCiphertext[name];
        var key = await api.NewKey();
        var ciphertext = await api.Encrypt(key, [7], _associatedData);
        string[] states = [await Disabled(), await PendingDeletion(), await Destroyed()];
        var faults = FormFaults(make, hasField: false);
        faults.Add(new(3, "no such key", "key_not_found", d => d with { Named = Api.NewId() }));
        foreach (var (state, code) in states.Zip((string[])["key_disabled", "key_pending_deletion", "key_destroyed"]))
        {
            faults.Add(new(4, code, code, d => d with { Named = state }));
        }

        faults.Add(new(5, "tampered", "invalid_ciphertext", d => d with { Named = d.Named ?? key }));
        await TryPairs(make, new(key, null, ciphertext, _associatedData), faults);
    }

    [Theory]
    [MemberData(nameof(ManagingForms))]
    public async Task RouteThatManagesAKey_EveryPairOfFaults_SaysWhatComesFirst(string name)
    {
        var make = _managing[name];
        var faults = FormFaults(make, hasField: Text(make(new("k", [], [], true))) != Text(make(new("k", [], [], false))));
        faults.Add(new(3, "no such key", "key_not_found", d => d with { Key = Api.NewId() }));
        if (name is not ("describe" or "history" or "describe policy"))
        {
            var destroyed = await Destroyed();
            faults.Add(new(4, "key_destroyed", "key_destroyed", d => d with { Key = destroyed }));
        }

        await TryPairs(make, new(await api.NewKey(), null, [], []), faults, goodToo: false);
    }

    [Theory]
    [MemberData(nameof(OtherForms))]
    public async Task RouteOfSomethingElse_EveryPairOfFaults_SaysWhatComesFirst(string name)
    {
        var (missing, invalid, make) = _others[name];
        var faults = FormFaults(make, hasField: false);
        faults.Add(new(2, "a name that can be none", invalid, d => d with { Key = "-x" }));
        faults.Add(new(3, "nothing of this name", missing, d => d with { Key = Guid.NewGuid().ToString("N") }));
        await TryPairs(make, new(Guid.NewGuid().ToString("N"), null, [], []), faults, goodToo: false);
    }

    [Theory]
    [InlineData("put a policy")]
    public async Task RouteThatMakesSomething_EveryPairOfFaults_SaysWhatComesFirst(string name)
    {
        var make = _making[name];
        var faults = FormFaults(make, hasField: true);
        faults.Add(new(2, "a name that can be none", "invalid_parameter", d => d with { Key = "-x" }));
        await TryPairs(make, new(Api.NewId(), null, [], []), faults, goodToo: false);
    }

    private async Task TryPairs(Func<Parts, Form> make, Draft good, List<Fault> faults, bool goodToo = true)
    {
        if (goodToo)
        {
            Assert.Null(await Send(make, good));
        }

        foreach (var first in faults)
        {
            Assert.Equal((first.Name, first.Code), (first.Name, await Send(make, first.Apply(good))));
            foreach (var second in faults.Where(f => f.Stage > first.Stage))
            {
                var both = $"{first.Name} and {second.Name}";
                Assert.Equal((both, first.Code), (both, await Send(make, first.Apply(second.Apply(good)))));
            }
        }
    }

    private static List<Fault> FormFaults(Func<Parts, Form> make, bool hasField)
    {
        var probe = make(new("k", [], [9, 9, 9], false));
        var faults = new List<Fault>
        {
            new(1, "no token", "unauthenticated", d => d with { SignsIn = false }),
            new(2, "a header that is not taken", "invalid_request", d => d with { ExtraHeader = "Okms-Asociated-Data" }),
        };
        if (probe.Json is not null)
        {
            faults.Add(new(2, "a body that is no JSON", "invalid_request", d => d with { IsTruncated = true }));
        }

        if (probe.Header is not null || Text(probe).Contains("CQkJ", StringComparison.Ordinal))
        {
            faults.Add(new(2, "too much associated data", "payload_too_large", d => d with { AssociatedData = new byte[8193] }));
        }

        if (hasField)
        {
            faults.Add(new(2, "a value that is not allowed", "invalid_parameter", d => d with { BadField = true }));
        }

        return faults;
    }

    /// <summary>The code of the answer, or of its only item; null when it is good.</summary>
    private async Task<string?> Send(Func<Parts, Form> make, Draft draft)
    {
        var ciphertext = draft.Named is { } named ? Forged(named) : draft.Ciphertext;
        var form = make(new(draft.Key, ciphertext, draft.AssociatedData, draft.BadField));
        var request = new HttpRequestMessage(new HttpMethod(form.Method), form.Path);
        if (form.Method != "GET")
        {
            var text = form.Json?.ToJsonString() ?? "";
            var body = form.Bytes ?? Encoding.UTF8.GetBytes(draft.IsTruncated ? text[..^1] : text);
            request.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue(form.Bytes is null ? "application/json" : Octets) } };
        }

        if (!draft.SignsIn) request.Headers.TryAddWithoutValidation("Authorization", "");
        if (draft.ExtraHeader is { } header) request.Headers.Add(header, "AQID");
        if (form.Header is { } associatedData) request.Headers.Add("Okms-Associated-Data", Base64(associatedData));
        var answer = await api.Send(request);
        return answer.Code ?? (form.Bytes is null ? (string?)answer.Json["results"]?[0]?["error"]?["code"] : null);
    }

    /// <summary>A ciphertext with a good header, and nothing of the key behind it.</summary>
    private static byte[] Forged(string id) =>
        [1, 1, 0, 0, 0, 1, (byte)id.Length, .. Encoding.ASCII.GetBytes(id), .. new byte[12 + 1 + 16]];

    private static string Text(Form form) => form.Path + form.Json?.ToJsonString() + Base64(form.Bytes ?? []);

    // An alias stays when its key is destroyed; a destroyed key takes no new one.
    private static string Alias(string key) => "alias:" + key;

    private Task<string> Disabled() => Made("disable");

    private Task<string> PendingDeletion() => Made("schedule-deletion");

    private async Task<string> Destroyed()
    {
        var id = await Made("schedule-deletion", new { after = "PT0S" });
        while ((string)(await api.Get("/v1/keys/" + id)).Json["state"]! != "destroyed")
        {
            // The deletion is due, and done by whoever looks at the key first.
        }

        return id;
    }

    private async Task<string> Made(string? command = null, object? body = null)
    {
        var id = await api.NewKey();
        (await api.Put("/v1/aliases/" + id, new { key_id = id })).Is(HttpStatusCode.OK);
        if (command is not null)
        {
            (await api.Post($"/v1/keys/{id}/{command}", body ?? new { })).Is(HttpStatusCode.OK);
        }

        return id;
    }
}
