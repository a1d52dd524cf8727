using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansKms.Tests.Unit.Cryptography;

namespace OrleansKms.Tests.Api;

/// <summary>Material that comes and goes over HTTP, wrapped and unwrapped by the <c>openssl</c> command.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class ImportTests(DefaultApi api) : IDisposable
{
    private static readonly Lazy<Task<byte[]>> _mine = new(() => OpenSsl.Run([], "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-outform", "DER"));

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("okms-import-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("AES_256_GCM", 32)]
    [InlineData("AES_128_GCM", 16)]
    [InlineData("XCHACHA20_POLY1305", 32)]
    [InlineData("HMAC_256", 40)]
    [InlineData("HMAC_512", 64)]
    [InlineData("HKDF_256", 32)]
    public async Task Symmetric_IsImported_AndExportedAsItIs(string spec, int length)
    {
        var id = await NewKey(spec);
        var material = RandomNumberGenerator.GetBytes(length);
        var key = (await Import(id, material)).Is(HttpStatusCode.OK).Json;
        Assert.Equal(("enabled", 1, "external"), ((string)key["state"]!, (int)key["primary_version"]!, (string)key["origin"]!));
        Assert.Equal(material, await Exported(id));
        if (spec.StartsWith("HMAC", StringComparison.Ordinal))
        {
            var mac = (await api.Post($"/v1/keys/{id}/mac", new { message = "AQID" })).Is(HttpStatusCode.OK).Json["mac"].Deserialize<byte[]>();
            Assert.Equal(await OpenSsl.Run([1, 2, 3], "dgst", "-sha" + spec[5..], "-mac", "HMAC", "-macopt", "hexkey:" + Convert.ToHexString(material), "-binary"), mac);
        }
        else if (spec == "HKDF_256")
        {
            var derived = (await api.Post($"/v1/keys/{id}/derive", new { context = "AQID" })).Is(HttpStatusCode.OK).Json["derived"].Deserialize<byte[]>();
            Assert.Equal(HKDF.DeriveKey(HashAlgorithmName.SHA256, material, 32, [], [1, 2, 3]), derived);
        }
        else
        {
            var ciphertext = await api.Encrypt(id, [7]);
            (await Import(id, RandomNumberGenerator.GetBytes(length))).Is(HttpStatusCode.OK);
            var opened = (await api.Post($"/v1/keys/{id}/decrypt", new { ciphertext })).Is(HttpStatusCode.OK).Json;
            Assert.Equal(("Bw==", 1), ((string)opened["plaintext"]!, (int)opened["key_version"]!));
            Assert.Equal(2, (int)(await api.Post($"/v1/keys/{id}/encrypt", new { plaintext = "AQ==" })).Json["key_version"]!);
            Assert.Equal(material, await Exported(id, version: 1));
        }
    }

    [Theory]
    [InlineData("RSA_2048", "RSA", "rsa_keygen_bits:2048")]
    [InlineData("ECC_NIST_P256", "EC", "ec_paramgen_curve:P-256")]
    [InlineData("ECC_NIST_P521", "EC", "ec_paramgen_curve:P-521")]
    [InlineData("ECC_SECG_P256K1", "EC", "ec_paramgen_curve:secp256k1")]
    [InlineData("ED25519", "ED25519", null)]
    [InlineData("X25519", "X25519", null)]
    public async Task Pair_OfOpenssl_IsImported_AndExportedWithTheSamePublicKey(string spec, string algorithm, string? option)
    {
        var made = await OpenSsl.Run([], ["genpkey", "-algorithm", algorithm, .. option is null ? Array.Empty<string>() : ["-pkeyopt", option], "-outform", "DER"]);
        var material = await OpenSsl.Run(made, "pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER");
        var publicKey = await OpenSsl.Run(material, "pkey", "-inform", "DER", "-pubout", "-outform", "DER");
        var id = await NewKey(spec);
        (await Import(id, material)).Is(HttpStatusCode.OK);
        Assert.Equal(publicKey, (await api.Get($"/v1/keys/{id}/public-key")).Is(HttpStatusCode.OK).Json["public_key"].Deserialize<byte[]>());
        Assert.Equal(publicKey, await OpenSsl.Run(await Exported(id), "pkey", "-inform", "DER", "-pubout", "-outform", "DER"));
        if (spec == "X25519") return;
        var signature = (string)(await api.Post($"/v1/keys/{id}/sign", new { message = "AQID" })).Is(HttpStatusCode.OK).Json["signature"]!;
        Assert.True((bool)(await api.Post($"/v1/keys/{id}/verify", new { message = "AQID", signature })).Json["valid"]!);

        // The public key alone, in another key: it verifies, and nothing else.
        var alone = await NewKey(spec);
        var key = (await Import(alone, publicKey)).Is(HttpStatusCode.OK).Json;
        Assert.Equal(("enabled", true), ((string)key["state"]!, (bool)key["versions"]![0]!["public_only"]!));
        Assert.True((bool)(await api.Post($"/v1/keys/{alone}/verify", new { message = "AQID", signature })).Is(HttpStatusCode.OK).Json["valid"]!);
        (await api.Post($"/v1/keys/{alone}/sign", new { message = "AQID" })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        var items = (await api.Post($"/v1/keys/{alone}/sign", new { items = new[] { new { message = "AQID" } } })).Is(HttpStatusCode.OK).Json["results"]!.AsArray();
        Assert.Equal("wrong_key_usage", (string)Assert.Single(items)!["error"]!["code"]!);
        (await api.Post($"/v1/keys/{alone}/encrypt", new { plaintext = "AQID" })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await Export(alone)).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        Assert.True((bool)(await api.Post("/v1/keys/validate", new { ids = new[] { alone } })).Json["results"]![0]!["valid"]!);
    }

    [Fact]
    public async Task PublicKeyAlone_OfRsa_Encrypts_AndDoesNotDecrypt()
    {
        var id = Api.NewId();
        (await api.Post("/v1/keys", new { id, spec = "RSA_2048", usage = "encrypt_decrypt", origin = "external" })).Is(HttpStatusCode.Created);
        (await Import(id, await MyPublicKey())).Is(HttpStatusCode.OK);
        var ciphertext = (byte[])(await api.Post($"/v1/keys/{id}/encrypt", new { plaintext = "AQID", raw = true })).Is(HttpStatusCode.OK).Json["ciphertext"].Deserialize<byte[]>()!;
        Assert.Equal([1, 2, 3], await Rsa("-decrypt", "mine.der", await _mine.Value, ciphertext));
        (await api.Post($"/v1/keys/{id}/decrypt", new { ciphertext, raw = true, key_version = 1 })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        Assert.Equal(1, (int)(await api.Get($"/v1/keys/{id}")).Json["uses"]!["encrypt"]!);
    }

    /// <summary>Seeds, and the public keys of keys that encapsulate: so who has only that key from elsewhere can have the service encapsulate with it.</summary>
    [Theory]
    [InlineData("ML_KEM_512")]
    [InlineData("ML_KEM_1024")]
    [InlineData("X_WING")]
    public async Task KeyThatEncapsulates_IsImported_WholeAndAsAPublicKeyAlone(string spec)
    {
        var whole = await Copied(spec, "encapsulate");
        var publicKey = (await api.Get($"/v1/keys/{whole}/public-key")).Is(HttpStatusCode.OK).Json["public_key"].Deserialize<byte[]>()!;
        var alone = await NewKey(spec);
        Assert.True((bool)(await Import(alone, publicKey)).Is(HttpStatusCode.OK).Json["versions"]![0]!["public_only"]!);
        var made = (await api.Post($"/v1/keys/{alone}/encapsulate")).Is(HttpStatusCode.OK).Json;
        var ciphertext = (string)made["ciphertext"]!;
        var found = (await api.Post($"/v1/keys/{whole}/decapsulate", new { ciphertext })).Is(HttpStatusCode.OK).Json;
        Assert.Equal((string)made["shared_secret"]!, (string)found["shared_secret"]!);
        (await api.Post($"/v1/keys/{alone}/decapsulate", new { ciphertext })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await Export(alone)).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        var key = (await api.Get($"/v1/keys/{alone}")).Json;
        Assert.Equal(("enabled", 1, 0), ((string)key["state"]!, (int)key["uses"]!["encapsulate"]!, (int)key["uses"]!["decapsulate"]!));

        // Nothing that is no public key of the spec: cut, longer, of another spec.
        var other = await NewKey(spec == "X_WING" ? "ML_KEM_768" : "X_WING");
        foreach (var bytes in (byte[][])[publicKey[..^1], [.. publicKey, 0], publicKey[22..]])
        {
            (await Import(alone, bytes)).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        }

        (await Import(other, publicKey)).Is(HttpStatusCode.BadRequest, "invalid_parameter");
    }

    [Theory]
    [InlineData("ML_DSA_44")]
    [InlineData("ML_DSA_87")]
    [InlineData("SLH_DSA_SHA2_128S")]
    public async Task PostQuantumKey_IsImported_AndSignsForTheOneThatItIsACopyOf(string spec)
    {
        var copy = await Copied(spec, "sign_verify");
        var signature = (string)(await api.Post($"/v1/keys/{copy}/sign", new { message = "AQID", context = "BA==" })).Is(HttpStatusCode.OK).Json["signature"]!;
        var alone = await NewKey(spec);
        var publicKey = (await api.Get($"/v1/keys/{copy}/public-key")).Is(HttpStatusCode.OK).Json["public_key"].Deserialize<byte[]>()!;
        (await Import(alone, publicKey)).Is(HttpStatusCode.OK);
        Assert.True((bool)(await api.Post($"/v1/keys/{alone}/verify", new { message = "AQID", context = "BA==", signature })).Is(HttpStatusCode.OK).Json["valid"]!);
        Assert.False((bool)(await api.Post($"/v1/keys/{alone}/verify", new { message = "AQID", signature })).Is(HttpStatusCode.OK).Json["valid"]!);
        (await api.Post($"/v1/keys/{alone}/sign", new { message = "AQID" })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
    }

    [Fact]
    public async Task Pending_AnswersSo_OnEveryUse_AndCanBeDeleted()
    {
        var id = await NewKey("AES_256_GCM");
        Assert.Equal("pending_import", (string)(await api.Get($"/v1/keys/{id}")).Json["state"]!);
        Assert.Empty((await api.Get($"/v1/keys/{id}")).Json["versions"]!.AsArray());
        foreach (var (path, body) in ((string, object)[])[("encrypt", new { plaintext = "AQ==" }), ("decrypt", new { ciphertext = "AQ==" }), ("rewrap", new { ciphertext = "AQ==" }), ("datakey", new { }), ("datakey-pair", new { spec = "X25519" })])
        {
            (await api.Post($"/v1/keys/{id}/{path}", body)).Is(HttpStatusCode.Conflict, "key_pending_import");
        }

        (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.Conflict, "key_pending_import");
        (await Export(id)).Is(HttpStatusCode.Conflict, "key_pending_import");
        Assert.Equal("key_pending_import", (string)(await api.Post("/v1/keys/validate", new { ids = new[] { id } })).Json["results"]![0]!["error"]!["code"]!);
        Assert.Contains((await api.Get($"/v1/keys?prefix={id}&describe=true")).Json["keys"]!.AsArray(), key => (string)key!["state"]! == "pending_import");
        (await api.Post($"/v1/keys/{id}/schedule-deletion")).Is(HttpStatusCode.OK);
        Assert.Equal("pending_import", (string)(await api.Post($"/v1/keys/{id}/cancel-deletion")).Is(HttpStatusCode.OK).Json["state"]!);
        (await api.Post("/v1/keys", new { origin = "external", rotation = new { every = "P1D" } })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Post($"/v1/keys/{await api.NewKey()}/import-parameters")).Is(HttpStatusCode.Conflict, "conflict");
    }

    [Fact]
    public async Task Parameters_AreForOneImport_ByOneCaller()
    {
        var (id, other) = (await NewKey("AES_256_GCM"), await NewKey("AES_256_GCM"));
        var answer = (await api.Post($"/v1/keys/{id}/import-parameters")).Is(HttpStatusCode.OK).Json;
        Assert.Equal(["import_token", "wrapping_public_key", "expires_at"], answer.AsObject().Select(field => field.Key));
        Assert.InRange(DateTime.Parse((string)answer["expires_at"]!, null, System.Globalization.DateTimeStyles.AdjustToUniversal) - DateTime.UtcNow, TimeSpan.FromHours(23), TimeSpan.FromHours(24));
        using (var rsa = RSA.Create())
        {
            rsa.ImportFromPem((string)answer["wrapping_public_key"]!);
            Assert.InRange(rsa.KeySize, 3072, 4096);
        }

        var wrapped = await Wrapped(answer, RandomNumberGenerator.GetBytes(32));
        var token = (string)answer["import_token"]!;
        var manager = await SignUp("key-manager");
        var texts = new HashSet<string>();
        async Task Refused(Task<Answer> import) => texts.Add((string)(await import).Is(HttpStatusCode.BadRequest, "invalid_parameter").Json["detail"]!);
        await Refused(api.Post($"/v1/keys/{other}/import", new { import_token = token, wrapped_material = wrapped }));
        await Refused(As(manager, $"/v1/keys/{id}/import", new { import_token = token, wrapped_material = wrapped }));
        await Refused(api.Post($"/v1/keys/{id}/import", new { import_token = Convert.ToBase64String(new byte[48]), wrapped_material = wrapped }));
        await Refused(api.Post($"/v1/keys/{id}/import", new { import_token = "", wrapped_material = wrapped }));
        (await api.Post($"/v1/keys/{id}/import", new { import_token = token, wrapped_material = wrapped })).Is(HttpStatusCode.OK);
        await Refused(api.Post($"/v1/keys/{id}/import", new { import_token = token, wrapped_material = wrapped }));

        answer = (await api.Post($"/v1/keys/{id}/import-parameters")).Is(HttpStatusCode.OK).Json;
        wrapped = await Wrapped(answer, RandomNumberGenerator.GetBytes(32), padding: "rsa_oaep_md:sha1");
        await Refused(api.Post($"/v1/keys/{id}/import", new { import_token = (string)answer["import_token"]!, wrapped_material = wrapped }));
        answer = (await api.Post($"/v1/keys/{id}/import-parameters")).Is(HttpStatusCode.OK).Json;
        await Refused(api.Post($"/v1/keys/{id}/import", new { import_token = (string)answer["import_token"]!, wrapped_material = new byte[8192] }));
        Assert.Single(texts);
        Assert.Equal(1, (int)(await api.Get($"/v1/keys/{id}")).Json["primary_version"]!);
        Assert.Equal("pending_import", (string)(await api.Get($"/v1/keys/{other}")).Json["state"]!);
    }

    [Theory]
    [InlineData("import", """{}""", "invalid_request")]
    [InlineData("import", """{"import_token":"AQ=="}""", "invalid_request")]
    [InlineData("import", """{"import_token":"AQ==","wrapped_material":"!"}""", "invalid_request")]
    [InlineData("import", """{"import_token":"AQ==","wrapped_material":"AQ==","version":1}""", "invalid_request")]
    [InlineData("import-parameters", """{"algorithm":"x"}""", "invalid_request")]
    [InlineData("export", """{}""", "invalid_request")]
    [InlineData("export", """{"wrapping_public_key":"AQ=="}""", "invalid_parameter")]
    [InlineData("export", """{"wrapping_public_key":"no"}""", "invalid_parameter")]
    [InlineData("export", """{"wrapping_public_key":"-----BEGIN PUBLIC KEY-----\nAQ==\n-----END PUBLIC KEY-----"}""", "invalid_parameter")]
    [InlineData("export", """{"wrapping_public_key":"AQ==","key_version":1}""", "invalid_request")]
    public async Task BadFields_AreRefused(string route, string body, string code) =>
        (await api.PostText($"/v1/keys/{await NewKey("AES_256_GCM")}/{route}", body)).Is(HttpStatusCode.BadRequest, code);

    [Fact]
    public async Task Export_IsForKeysMadeSo_AndForWhoMay()
    {
        var id = await api.NewKey();
        (await Export(id)).Is(HttpStatusCode.UnprocessableEntity, "not_exportable");
        (await api.Patch($"/v1/keys/{id}", """{"exportable":true}""")).Is(HttpStatusCode.BadRequest, "invalid_request");
        id = await api.NewKey(new { exportable = true });
        var material = await Exported(id);
        Assert.Equal(32, material.Length);
        (await Export(id, version: 2)).Is(HttpStatusCode.NotFound, "not_found");
        (await Export(id, version: 0)).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        foreach (var policy in (string[])["key-manager", "key-user", "auditor"])
        {
            (await As(await SignUp(policy), $"/v1/keys/{id}/export", new { wrapping_public_key = await MyPublicKey() })).Is(HttpStatusCode.Forbidden, "permission_denied");
        }

        (await As(await SignUp("key-user"), $"/v1/keys/{id}/import-parameters", new { })).Is(HttpStatusCode.Forbidden, "permission_denied");

        // What left and came back as another key opens what the first one encrypted elsewhere: it is the same.
        var copy = await NewKey("AES_256_GCM");
        (await Import(copy, material)).Is(HttpStatusCode.OK);
        Assert.Equal(material, await Exported(copy));
        (await api.Post($"/v1/keys/{id}/disable")).Is(HttpStatusCode.OK);
        (await Export(id)).Is(HttpStatusCode.Conflict, "key_disabled");
    }

    [Fact]
    public async Task Export_ThatIsGuarded_IsForTheRequester_OnceItIsApproved()
    {
        var id = await api.NewKey(new { exportable = true, approval = new { operations = new[] { "export" }, required = 1, approvers = new[] { "i-*" } } });
        var (asker, approver) = (await SignUp("administrator"), await SignUp("administrator"));
        var mine = await MyPublicKey();
        var pending = (await As(asker, $"/v1/keys/{id}/export", new { wrapping_public_key = mine })).Is(HttpStatusCode.Accepted).Json;
        Assert.Equal(("export", "keys:export", 1), ((string)pending["operation"]!, (string)pending["action"]!, (int)pending["arguments"]!["version"]!));
        Assert.Equal(SHA256.HashData(mine), pending["arguments"]!["wrapping_key_sha256"].Deserialize<byte[]>());
        var approval = (string)pending["approval_id"]!;
        Assert.Equal(approval, (string)(await As(asker, $"/v1/keys/{id}/export", new { wrapping_public_key = mine })).Is(HttpStatusCode.Accepted).Json["approval_id"]!);
        (await As(asker, $"/v1/approvals/{approval}/approve", new { })).Is(HttpStatusCode.Forbidden, "permission_denied");
        Assert.Equal("executed", (string)(await As(approver, $"/v1/approvals/{approval}/approve", new { })).Is(HttpStatusCode.OK).Json["state"]!);

        var exported = (await As(asker, $"/v1/keys/{id}/export", new { wrapping_public_key = mine })).Is(HttpStatusCode.OK).Json;
        Assert.Equal(32, (await Unwrapped(exported)).Length);
        (await As(asker, $"/v1/keys/{id}/export", new { wrapping_public_key = mine, version = 1 })).Is(HttpStatusCode.OK);

        // For nobody else, no other wrapping key and no other version.
        (await As(approver, $"/v1/keys/{id}/export", new { wrapping_public_key = mine })).Is(HttpStatusCode.Accepted);
        var others = await OpenSsl.Run(await OpenSsl.Run([], "genpkey", "-algorithm", "RSA", "-outform", "DER"), "pkey", "-inform", "DER", "-pubout", "-outform", "DER");
        (await As(asker, $"/v1/keys/{id}/export", new { wrapping_public_key = others })).Is(HttpStatusCode.Accepted);
        (await As(asker, $"/v1/keys/{id}/rotate", new { })).Is(HttpStatusCode.OK);
        (await As(asker, $"/v1/keys/{id}/export", new { wrapping_public_key = mine })).Is(HttpStatusCode.Accepted);
        (await As(asker, $"/v1/keys/{id}/export", new { wrapping_public_key = mine, version = 1 })).Is(HttpStatusCode.OK);

        // A stricter rule holds for what was approved under the former one; so does the state of the key.
        (await api.Patch($"/v1/keys/{id}", """{"approval":{"operations":["export"],"required":2,"approvers":["i-*"]}}""")).Is(HttpStatusCode.OK);
        (await As(asker, $"/v1/keys/{id}/export", new { wrapping_public_key = mine, version = 1 })).Is(HttpStatusCode.Accepted);
        (await api.Post($"/v1/keys/{id}/disable")).Is(HttpStatusCode.OK);
        (await As(asker, $"/v1/keys/{id}/export", new { wrapping_public_key = mine, version = 1 })).Is(HttpStatusCode.Conflict, "key_disabled");
    }

    [Fact]
    public async Task Export_ThatIsRejected_OrHasExpired_IsNotMade()
    {
        var id = await api.NewKey(new { exportable = true, approval = new { operations = new[] { "export" }, required = 1, approvers = new[] { "i-*" }, expires = "PT1S" } });
        var (asker, approver) = (await SignUp("administrator"), await SignUp("administrator"));
        var mine = await MyPublicKey();
        var approval = (string)(await As(asker, $"/v1/keys/{id}/export", new { wrapping_public_key = mine })).Is(HttpStatusCode.Accepted).Json["approval_id"]!;
        await As(approver, $"/v1/approvals/{approval}/reject", new { });
        var state = (string)(await api.Get($"/v1/approvals/{approval}")).Json["state"]!;
        Assert.Contains(state, (string[])["rejected", "expired"]);
        var next = (await As(asker, $"/v1/keys/{id}/export", new { wrapping_public_key = mine })).Is(HttpStatusCode.Accepted).Json;
        Assert.NotEqual(approval, (string)next["approval_id"]!);
    }

    [Fact]
    public async Task Import_ThatIsGuarded_NeedsApprovedParameters()
    {
        var id = Api.NewId();
        (await api.Post("/v1/keys", new { id, origin = "external", approval = new { operations = new[] { "import" }, required = 1, approvers = new[] { "i-*" } } })).Is(HttpStatusCode.Created);
        var approver = await SignUp("administrator");
        var approval = (string)(await api.Post($"/v1/keys/{id}/import-parameters")).Is(HttpStatusCode.Accepted).Json["approval_id"]!;
        (await As(approver, $"/v1/approvals/{approval}/approve", new { })).Is(HttpStatusCode.OK);
        (await As(approver, $"/v1/keys/{id}/import-parameters", new { })).Is(HttpStatusCode.Accepted);
        (await Import(id, RandomNumberGenerator.GetBytes(32))).Is(HttpStatusCode.OK);
    }

    [Fact]
    public async Task History_AndAudit_HaveTheImportAndTheExport()
    {
        var id = await NewKey("AES_256_GCM");
        (await Import(id, RandomNumberGenerator.GetBytes(32))).Is(HttpStatusCode.OK);
        (await Export(id)).Is(HttpStatusCode.OK);
        var history = (await api.Get($"/v1/keys/{id}/history")).Is(HttpStatusCode.OK).Json;
        Assert.True((bool)history["verified"]!);
        Assert.Equal(["keys:import", "keys:create"], history["events"]!.AsArray().Select(one => (string)one!["action"]!));
        JsonArray records;
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        while ((records = (await api.Get($"/v1/audit?key={id}")).Is(HttpStatusCode.OK).Json["records"]!.AsArray()).All(one => (string)one!["action"]! != "keys:export"))
        {
            await Task.Delay(50, patience.Token);
        }

        var exported = records.Single(one => (string)one!["action"]! == "keys:export")!;
        Assert.Equal(("ok", 1), ((string)exported["outcome"]!, (int)exported["key_version"]!));
        Assert.Equal("wrapping key " + Convert.ToHexStringLower(SHA256.HashData(await MyPublicKey())), (string)exported["detail"]!);
        Assert.Contains(records, one => (string)one!["action"]! == "keys:import" && (int?)one["key_version"] == 1 && (string)one["outcome"]! == "ok");
        Assert.Contains(records, one => (string)one!["action"]! == "keys:import-parameters");
    }

    /// <summary>A key with the material that another one was made with, which leaves it with the same public key.</summary>
    private async Task<string> Copied(string spec, string usage)
    {
        var made = await api.NewKey(new { spec, usage, exportable = true });
        var material = await Exported(made);
        var copy = await NewKey(spec);
        (await Import(copy, material)).Is(HttpStatusCode.OK);
        Assert.Equal(material, await Exported(copy));
        Assert.Equal((string)(await api.Get($"/v1/keys/{made}/public-key")).Json["pem"]!, (string)(await api.Get($"/v1/keys/{copy}/public-key")).Json["pem"]!);
        return copy;
    }

    private async Task<string> NewKey(string spec)
    {
        var id = Api.NewId();
        (await api.Post("/v1/keys", new { id, spec, origin = "external", exportable = true })).Is(HttpStatusCode.Created);
        return id;
    }

    private async Task<Answer> Import(string id, byte[] material)
    {
        var parameters = (await api.Post($"/v1/keys/{id}/import-parameters")).Is(HttpStatusCode.OK).Json;
        return await api.Post($"/v1/keys/{id}/import", new { import_token = (string)parameters["import_token"]!, wrapped_material = await Wrapped(parameters, material) });
    }

    private async Task<Answer> Export(string id, int? version = null)
    {
        var mine = await MyPublicKey();
        return await api.Post($"/v1/keys/{id}/export", new { version, wrapping_public_key = PemEncoding.WriteString("PUBLIC KEY", mine) });
    }

    private async Task<byte[]> Exported(string id, int? version = null)
    {
        var answer = (await Export(id, version)).Is(HttpStatusCode.OK).Json;
        Assert.Equal(["wrapped_material", "key_version"], answer.AsObject().Select(field => field.Key));
        return await Unwrapped(answer);
    }

    private static async Task<byte[]> MyPublicKey() => await OpenSsl.Run(await _mine.Value, "pkey", "-inform", "DER", "-pubout", "-outform", "DER");

    private async Task<byte[]> Wrapped(JsonNode parameters, byte[] material, string padding = "rsa_oaep_md:sha256")
    {
        var aes = RandomNumberGenerator.GetBytes(32);
        using var rsa = RSA.Create();
        rsa.ImportFromPem((string)parameters["wrapping_public_key"]!);
        return [.. await Rsa("-encrypt", "theirs.der", rsa.ExportSubjectPublicKeyInfo(), aes, padding), .. await Kwp("-e", aes, material)];
    }

    private async Task<byte[]> Unwrapped(JsonNode exported)
    {
        var wrapped = exported["wrapped_material"].Deserialize<byte[]>()!;
        return await Kwp("-d", await Rsa("-decrypt", "mine.der", await _mine.Value, wrapped[..256]), wrapped[256..]);
    }

    private async Task<byte[]> Rsa(string direction, string file, byte[] key, byte[] input, string padding = "rsa_oaep_md:sha256")
    {
        var path = Path.Combine(_folder.FullName, file);
        await File.WriteAllBytesAsync(path, key);
        string[] isPublic = direction == "-encrypt" ? ["-pubin"] : [];
        return await OpenSsl.Run(input, ["pkeyutl", direction, .. isPublic, "-keyform", "DER", "-inkey", path, "-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", padding, "-pkeyopt", "rsa_mgf1_md:sha256"]);
    }

    private static Task<byte[]> Kwp(string direction, byte[] key, byte[] input) =>
        OpenSsl.Run(input, "enc", direction, "-id-aes256-wrap-pad", "-iv", "A65959A6", "-K", Convert.ToHexString(key));

    private async Task<string> SignUp(string policy)
    {
        var name = "i-" + Guid.NewGuid().ToString("N");
        (await api.Post("/v1/principals", new { name, policies = new[] { policy } })).Is(HttpStatusCode.Created);
        return (string)(await api.Post($"/v1/principals/{name}/tokens", new { })).Is(HttpStatusCode.Created).Json["token"]!;
    }

    private Task<Answer> As(string token, string path, object body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return api.Send(request);
    }
}
