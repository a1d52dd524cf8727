using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Api;

/// <summary>Keys of RSA that encrypt, over HTTP.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class RsaEncryptionTests(DefaultApi api)
{
    private static readonly byte[] _plaintext = "encrypted over HTTP"u8.ToArray();
    private static readonly (string Algorithm, string Hash, RSAEncryptionPadding Padding)[] _algorithms =
    [
        ("RSAES_OAEP_SHA_256", "sha256", RSAEncryptionPadding.OaepSHA256), ("RSAES_OAEP_SHA_1", "sha1", RSAEncryptionPadding.OaepSHA1),
    ];

    [Fact]
    public async Task Encrypt_ThenDecrypt_WithAndWithoutAHeader()
    {
        var id = await NewKey();
        var key = (await api.Get("/v1/keys/" + id)).Json;
        Assert.Equal("encrypt_decrypt", (string)key["usage"]!);
        Assert.Equal(_algorithms.Select(a => a.Algorithm), key["algorithms"]!.AsArray().Select(name => (string)name!));
        var encrypted = (await api.Post($"/v1/keys/{id}/encrypt", new { plaintext = _plaintext })).Is(HttpStatusCode.OK).Json.AsObject();
        Assert.Equal(["key_id", "key_version", "ciphertext"], encrypted.Select(p => p.Key));
        var ciphertext = encrypted["ciphertext"].Deserialize<byte[]>()!;
        byte[] header = [1, 0x40, 0, 0, 0, 1, (byte)id.Length, .. Encoding.ASCII.GetBytes(id)];
        Assert.Equal(header, ciphertext[..header.Length]);
        Assert.Equal(header.Length + 256, ciphertext.Length);
        foreach (var (path, body) in new (string, object)[]
        {
            ($"/v1/keys/{id}/decrypt", new { ciphertext }), ("/v1/decrypt", new { ciphertext }), ("/decrypt", new { ciphertext }),
            ("/decrypt", new { ciphertext, key_id = id, algorithm = "RSAES_OAEP_SHA_256" }), ($"/v1/keys/{id}/decrypt", new { ciphertext, raw = false, associated_data = "" }),
            ($"/v1/keys/{id}/decrypt", new { ciphertext = ciphertext[header.Length..], raw = true, key_version = 1 }),
            ("/decrypt", new { key_id = id, ciphertext = ciphertext[header.Length..], raw = true, key_version = 1 }),
        })
        {
            var opened = (await api.Post(path, body)).Is(HttpStatusCode.OK).Json;
            Assert.Equal((id, 1, "data"), ((string)opened["key_id"]!, (int)opened["key_version"]!, (string)opened["kind"]!));
            Assert.Equal(_plaintext, opened["plaintext"].Deserialize<byte[]>());
        }

        foreach (var path in (string[])[$"/v1/keys/{id}/encrypt", "/encrypt"])
        {
            var body = new JsonObject { ["plaintext"] = Convert.ToBase64String(_plaintext), ["raw"] = true, ["algorithm"] = "RSAES_OAEP_SHA_1" };
            if (path == "/encrypt") body["key_id"] = id;
            var raw = (await api.PostText(path, body.ToJsonString())).Is(HttpStatusCode.OK).Json;
            Assert.Equal((1, 256), ((int)raw["key_version"]!, raw["ciphertext"].Deserialize<byte[]>()!.Length));
            Assert.Equal(_plaintext, await Opened(id, new { ciphertext = (string)raw["ciphertext"]!, raw = true, key_version = 1, algorithm = "RSAES_OAEP_SHA_1" }));
        }

        var uses = (await api.Get("/v1/keys/" + id)).Json["uses"]!;
        Assert.Equal((3, 9, 0), ((int)uses["encrypt"]!, (int)uses["decrypt"]!, (int)uses["sign"]!));
    }

    [Fact]
    public async Task OctetForm_HasTheDefaultAlgorithmAndAHeader()
    {
        var id = await NewKey();
        var encrypted = (await api.Body(HttpMethod.Post, $"/v1/keys/{id}/encrypt", _plaintext, "application/octet-stream")).Is(HttpStatusCode.OK);
        Assert.Equal([1, 0x40], encrypted.Body[..2]);
        foreach (var path in (string[])[$"/v1/keys/{id}/decrypt", "/v1/decrypt"])
        {
            Assert.Equal(_plaintext, (await api.Body(HttpMethod.Post, path, encrypted.Body, "application/octet-stream")).Is(HttpStatusCode.OK).Body);
            (await api.Body(HttpMethod.Post, path, encrypted.Body, "application/octet-stream", ("Okms-Associated-Data", "AQ=="))).Is(HttpStatusCode.BadRequest, "invalid_parameter");
            (await api.Body(HttpMethod.Post, path, encrypted.Body, "application/octet-stream", ("Okms-Raw", "true"))).Is(HttpStatusCode.BadRequest, "invalid_request");
        }

        (await api.Body(HttpMethod.Post, $"/v1/keys/{id}/encrypt", new byte[191], "application/octet-stream")).Is(HttpStatusCode.BadRequest, "invalid_parameter");
    }

    /// <summary>Others encrypt offline by the public key, with the command <c>openssl</c>, and it reads the key that is handed out.</summary>
    [Theory]
    [InlineData("RSA_2048", 256)]
    [InlineData("RSA_3072", 384)]
    [InlineData("RSA_4096", 512)]
    public async Task OpenSsl_EncryptsOffline_AndTheServiceDecrypts(string spec, int length)
    {
        var id = await NewKey(spec);
        var told = (await api.Get($"/v1/keys/{id}/public-key")).Is(HttpStatusCode.OK).Json;
        Assert.Equal(("RSA", "enc", id + ".1"), ((string)told["jwk"]!["kty"]!, (string)told["jwk"]!["use"]!, (string)told["jwk"]!["kid"]!));
        Assert.Equal(_algorithms.Select(a => a.Algorithm), told["algorithms"]!.AsArray().Select(name => (string)name!));
        var pem = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(pem, (string)told["pem"]!);
            foreach (var (algorithm, hash, padding) in _algorithms)
            {
                var bare = await OpenSsl(
                    _plaintext, $"pkeyutl -encrypt -pubin -inkey {pem} -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:{hash} -pkeyopt rsa_mgf1_md:{hash}");
                Assert.Equal(length, bare.Length);
                Assert.Equal(_plaintext, await Opened(id, new { ciphertext = bare, raw = true, key_version = 1, algorithm }));

                // Or with the header that the format describes, put in front of it.
                byte[] whole = [1, (byte)(padding == RSAEncryptionPadding.OaepSHA256 ? 0x40 : 0x41), 0, 0, 0, 1, (byte)id.Length, .. Encoding.ASCII.GetBytes(id), .. bare];
                Assert.Equal(_plaintext, await Opened(id, new { ciphertext = whole }));
                using var world = RSA.Create();
                world.ImportFromPem((string)told["pem"]!);
                var longest = RandomNumberGenerator.GetBytes(length - 2 - (2 * (hash == "sha256" ? 32 : 20)));
                Assert.Equal(longest, await Opened(id, new { ciphertext = world.Encrypt(longest, padding), raw = true, key_version = 1, algorithm }));
                (await api.Post($"/v1/keys/{id}/encrypt", new { plaintext = longest, algorithm })).Is(HttpStatusCode.OK);
                var refused = (await api.Post($"/v1/keys/{id}/encrypt", new { plaintext = longest.Append((byte)0).ToArray(), algorithm })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
                Assert.Contains($"at most {longest.Length} bytes", (string)refused.Json["detail"]!, StringComparison.Ordinal);
            }

            // What is encrypted offline may be empty.
            using var rsa = RSA.Create();
            rsa.ImportFromPem((string)told["pem"]!);
            Assert.Empty(await Opened(id, new { ciphertext = rsa.Encrypt([], RSAEncryptionPadding.OaepSHA256), raw = true, key_version = 1 }));
        }
        finally
        {
            File.Delete(pem);
        }
    }

    /// <summary>Whatever is said to be a ciphertext is answered, and nothing that was changed is decrypted; what was wrong is not said.</summary>
    [Fact]
    public async Task HostileCiphertexts_AreOneError()
    {
        var (id, other) = (await NewKey(), await NewKey());
        (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.OK);
        foreach (var (algorithm, _, _) in _algorithms)
        {
            var whole = (await api.Post($"/v1/keys/{id}/encrypt", new { plaintext = _plaintext, algorithm })).Is(HttpStatusCode.OK).Json["ciphertext"].Deserialize<byte[]>()!;
            var header = 7 + id.Length;
            var bare = whole[header..];
            var pem = Encoding.ASCII.GetBytes(PemEncoding.WriteString("CIPHERTEXT", bare));

            // The last byte of the version makes version 3, which there is none of, or 0; the others of the id another key.
            var changed = Enumerable.Range(0, whole.Length).Where(i => i < header || i % 5 == 0).SelectMany(i => (i < header ? (int[])[1, 2, 3, 0x40, 0x80, 0xff] : [1 << (i % 8)])
                .Select(flip => whole.Select((b, at) => at == i ? (byte)(b ^ flip) : b).ToArray()));
            byte[][] wrong = [.. changed, [], [0], whole[1..], whole[..^1], [.. whole, 0], bare, whole[..header], [.. whole[..header], .. new byte[256]], new byte[65536], pem];
            var results = (await api.Post($"/v1/keys/{id}/decrypt", new { items = wrong.Select(ciphertext => new { ciphertext }).Append(new { ciphertext = whole }) }))
                .Is(HttpStatusCode.OK).Json["results"]!.AsArray();
            Assert.All(results.SkipLast(1), result => Assert.Equal("invalid_ciphertext", (string)result!["error"]!["code"]!));
            Assert.Single(results.SkipLast(1).Select(result => (string)result!["error"]!["detail"]!).Distinct());
            Assert.Equal(_plaintext, results[^1]!["plaintext"].Deserialize<byte[]>());

            byte[][] wrongBare = [[], [0], bare[1..], bare[..^1], [.. bare, 0], [0, .. bare], new byte[256], [.. Enumerable.Repeat((byte)0xff, 256)], whole, new byte[65536], pem, [.. bare[..100], (byte)(bare[100] ^ 1), .. bare[101..]]];
            var raw = (await api.Post($"/v1/keys/{id}/decrypt", new
            {
                items = wrongBare.Select(ciphertext => new { ciphertext, raw = true, key_version = 2, algorithm })
                    .Append(new { ciphertext = bare, raw = true, key_version = 1, algorithm })
                    .Append(new { ciphertext = bare, raw = true, key_version = 2, algorithm = _algorithms.Single(a => a.Algorithm != algorithm).Algorithm })
                    .Append(new { ciphertext = bare, raw = true, key_version = 2, algorithm }),
            })).Is(HttpStatusCode.OK).Json["results"]!.AsArray();
            Assert.All(raw.SkipLast(1), result => Assert.Equal("invalid_ciphertext", (string)result!["error"]!["code"]!));
            Assert.Equal(_plaintext, raw[^1]!["plaintext"].Deserialize<byte[]>());
            (await api.Post($"/v1/keys/{other}/decrypt", new { ciphertext = whole })).Is(HttpStatusCode.BadRequest, "invalid_ciphertext");
            (await api.Post($"/v1/keys/{other}/decrypt", new { ciphertext = bare, raw = true, key_version = 1, algorithm })).Is(HttpStatusCode.BadRequest, "invalid_ciphertext");
            (await api.Post($"/v1/keys/{id}/decrypt", new { ciphertext = whole, algorithm = _algorithms.Single(a => a.Algorithm != algorithm).Algorithm }))
                .Is(HttpStatusCode.BadRequest, "invalid_ciphertext");
            (await api.Post($"/v1/keys/{id}/decrypt", new { ciphertext = bare, raw = true, key_version = 3, algorithm })).Is(HttpStatusCode.NotFound, "not_found");
        }

        var aes = await api.NewKey();
        (await api.Post($"/v1/keys/{id}/decrypt", new { ciphertext = await api.Encrypt(aes, [1]) })).Is(HttpStatusCode.BadRequest, "invalid_ciphertext");
        var ofAes = await api.Encrypt(aes, new byte[256 - 28]);
        byte[] renamed = [1, 0x40, 0, 0, 0, 2, (byte)id.Length, .. Encoding.ASCII.GetBytes(id), .. ofAes[^256..]];
        (await api.Post("/v1/decrypt", new { ciphertext = renamed })).Is(HttpStatusCode.BadRequest, "invalid_ciphertext");
    }

    [Theory]
    [InlineData("encrypt", """{"plaintext":"AQ==","associated_data":"AQ=="}""", "invalid_parameter")]
    [InlineData("encrypt", """{"plaintext":"AQ==","raw":"true"}""", "invalid_request")]
    [InlineData("encrypt", """{"plaintext":"AQ==","raw":true,"key_version":1}""", "invalid_request")]
    [InlineData("encrypt", """{"plaintext":"AQ==","algorithm":"RSAES_OAEP_SHA_512"}""", "unsupported_algorithm")]
    [InlineData("encrypt", """{"plaintext":"AQ==","algorithm":""}""", "unsupported_algorithm")]
    [InlineData("encrypt", """{"plaintext":""}""", "invalid_parameter")]
    [InlineData("encrypt", """{"raw":true}""", "invalid_request")]
    [InlineData("encrypt", """{"items":[{"plaintext":"AQ=="}],"raw":true}""", "invalid_request")]
    [InlineData("encrypt", """{"items":[{"plaintext":"AQ=="}],"algorithm":"RSAES_OAEP_SHA_1"}""", "invalid_request")]
    [InlineData("decrypt", """{"ciphertext":"AQ==","raw":true}""", "invalid_parameter")]
    [InlineData("decrypt", """{"ciphertext":"AQ==","key_version":1}""", "invalid_parameter")]
    [InlineData("decrypt", """{"ciphertext":"AQ==","raw":false,"key_version":1}""", "invalid_parameter")]
    [InlineData("decrypt", """{"ciphertext":"AQ==","raw":true,"key_version":0}""", "invalid_parameter")]
    [InlineData("decrypt", """{"ciphertext":"AQ==","raw":true,"key_version":1,"associated_data":"AQ=="}""", "invalid_parameter")]
    [InlineData("decrypt", """{"ciphertext":"AQ==","raw":true,"key_version":1,"algorithm":"RSAES_PKCS1_V1_5"}""", "unsupported_algorithm")]
    [InlineData("decrypt", """{"ciphertext":"AQ==","raw":true,"key_version":1}""", "invalid_ciphertext")]
    [InlineData("decrypt", """{"ciphertext":"AQ==","raw":true,"key_version":"1"}""", "invalid_request")]
    [InlineData("decrypt", """{"items":[{"ciphertext":"AQ=="}],"raw":true}""", "invalid_request")]
    [InlineData("decrypt", """{"items":[{"ciphertext":"AQ=="}],"key_version":1}""", "invalid_request")]
    [InlineData("decrypt", """{"items":[{"ciphertext":"AQ=="}],"algorithm":"RSAES_OAEP_SHA_1"}""", "invalid_request")]
    [InlineData("rewrap", """{"ciphertext":"AQ==","raw":true}""", "invalid_request")]
    [InlineData("rewrap", """{"ciphertext":"AQ==","algorithm":"RSAES_OAEP_SHA_1"}""", "invalid_request")]
    [InlineData("rewrap", """{"items":[{"ciphertext":"AQ==","key_version":1}]}""", "invalid_request")]
    public async Task BadFields_AreRefused(string route, string body, string code)
    {
        var id = await NewKey();
        (await api.PostText($"/v1/keys/{id}/{route}", body)).Is(HttpStatusCode.BadRequest, code);
    }

    [Theory]
    [InlineData("AES_256_GCM", 400, "invalid_parameter")]
    [InlineData("ECC_NIST_P256", 422, "wrong_key_usage")]
    [InlineData("HMAC_256", 422, "wrong_key_usage")]
    public async Task KeysThatHaveNoUseForThem_RefuseRawAndAlgorithm(string spec, int status, string code)
    {
        var id = await api.NewKey(new { spec });
        foreach (var (route, body) in new (string, object)[]
        {
            ("encrypt", new { plaintext = "AQ==", raw = true }), ("encrypt", new { plaintext = "AQ==", algorithm = "RSAES_OAEP_SHA_256" }),
            ("decrypt", new { ciphertext = "AQ==", raw = true, key_version = 1 }), ("decrypt", new { ciphertext = "AQ==", algorithm = "RSAES_OAEP_SHA_256" }),
        })
        {
            (await api.Post($"/v1/keys/{id}/{route}", body)).Is((HttpStatusCode)status, code);
        }
    }

    [Fact]
    public async Task AroundTheKey_EachDoesTheRightThing_OrRefuses()
    {
        var (id, aes) = (await NewKey(), await api.NewKey());
        var whole = (await api.Post($"/v1/keys/{id}/encrypt", new { plaintext = _plaintext })).Is(HttpStatusCode.OK).Json["ciphertext"].Deserialize<byte[]>()!;
        (await api.Post($"/v1/keys/{id}/datakey")).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post($"/v1/keys/{id}/datakey-pair", new { spec = "X25519" })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post($"/v1/keys/{id}/sign", new { message = "AQ==" })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post("/v1/decrypt", new { ciphertext = whole, raw = true, key_version = 1 })).Is(HttpStatusCode.BadRequest, "invalid_request");
        (await api.Post("/decrypt", new { ciphertext = whole, raw = true, key_version = 1 })).Is(HttpStatusCode.BadRequest, "invalid_request");
        (await api.Post("/v1/keys", new { spec = "RSA_2048", usage = "key_agreement" })).Is(HttpStatusCode.BadRequest, "invalid_parameter");

        // From one to the other; a data key stays where its kind can be believed.
        var moved = (await api.Post("/v1/reencrypt", new { ciphertext = whole, destination_key_id = aes, destination_associated_data = "AQ==" })).Is(HttpStatusCode.OK).Json;
        Assert.Equal(_plaintext, await Opened(aes, new { ciphertext = (string)moved["ciphertext"]!, associated_data = "AQ==" }));
        var back = (await api.Post("/v1/reencrypt", new { ciphertext = (string)moved["ciphertext"]!, associated_data = "AQ==", destination_key_id = id })).Is(HttpStatusCode.OK).Json;
        Assert.Equal(_plaintext, await Opened(id, new { ciphertext = (string)back["ciphertext"]! }));
        var dataKey = (string)(await api.Post($"/v1/keys/{aes}/datakey")).Is(HttpStatusCode.OK).Json["ciphertext"]!;
        (await api.Post("/v1/reencrypt", new { ciphertext = dataKey, destination_key_id = id })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        (await api.Post("/v1/reencrypt", new { ciphertext = whole, destination_key_id = id, destination_associated_data = "AQ==" })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Post("/v1/reencrypt", new { ciphertext = whole, associated_data = "AQ==", destination_key_id = aes })).Is(HttpStatusCode.BadRequest, "invalid_parameter");

        (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.OK);
        var rewrapped = (await api.Post($"/v1/keys/{id}/rewrap", new { items = new[] { new { ciphertext = whole }, new { ciphertext = new byte[3] } } })).Is(HttpStatusCode.OK).Json["results"]!;
        Assert.Equal((2, "invalid_ciphertext"), ((int)rewrapped[0]!["key_version"]!, (string)rewrapped[1]!["error"]!["code"]!));
        var batch = (await api.Post("/v1/batch", new
        {
            operations = new object[]
            {
                new { op = "encrypt", key_id = id, plaintext = "AQ==", raw = true, algorithm = "RSAES_OAEP_SHA_1" }, new { op = "decrypt", ciphertext = whole },
                new { op = "rewrap", key_id = id, ciphertext = whole }, new { op = "decrypt", ciphertext = whole, raw = true, key_version = 1 },
                new { op = "datakey", key_id = id }, new { op = "encrypt", key_id = aes, plaintext = "AQ==", raw = true },
                new { op = "decrypt", key_id = id, ciphertext = whole[^256..], raw = true, key_version = 1 },
            },
        })).Is(HttpStatusCode.OK).Json["results"]!;
        Assert.Equal(256, batch[0]!["ciphertext"].Deserialize<byte[]>()!.Length);
        Assert.Equal((1, 2), ((int)batch[1]!["key_version"]!, (int)batch[2]!["key_version"]!));
        Assert.Equal(["invalid_request", "wrong_key_usage", "invalid_parameter"], batch.AsArray().Skip(3).Take(3).Select(result => (string)result!["error"]!["code"]!));
        Assert.Equal(_plaintext, batch[6]!["plaintext"].Deserialize<byte[]>());

        (await api.Patch("/v1/keys/" + id, """{"min_decrypt_version":2}""")).Is(HttpStatusCode.OK);
        (await api.Post($"/v1/keys/{id}/decrypt", new { ciphertext = whole })).Is(HttpStatusCode.Conflict, "version_not_usable");
        (await api.Post($"/v1/keys/{id}/decrypt", new { ciphertext = whole[^256..], raw = true, key_version = 1 })).Is(HttpStatusCode.Conflict, "version_not_usable");
        (await api.Post($"/v1/keys/{id}/disable")).Is(HttpStatusCode.OK);
        (await api.Post($"/v1/keys/{id}/encrypt", new { plaintext = "AQ==", raw = true })).Is(HttpStatusCode.Conflict, "key_disabled");
        (await api.Post($"/v1/keys/{id}/decrypt", new { ciphertext = "AQ==", raw = true, key_version = 9 })).Is(HttpStatusCode.Conflict, "key_disabled");
    }

    private Task<string> NewKey(string spec = "RSA_2048") => api.NewKey(new { spec, usage = "encrypt_decrypt" });

    private async Task<byte[]> Opened(string id, object body) =>
        (await api.Post($"/v1/keys/{id}/decrypt", body)).Is(HttpStatusCode.OK).Json["plaintext"].Deserialize<byte[]>()!;

    private static async Task<byte[]> OpenSsl(byte[] input, string arguments)
    {
        using var openssl = Process.Start(new ProcessStartInfo("openssl", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        using var output = new MemoryStream();
        var reading = openssl.StandardOutput.BaseStream.CopyToAsync(output);
        await openssl.StandardInput.BaseStream.WriteAsync(input);
        openssl.StandardInput.Close();
        await reading;
        await openssl.WaitForExitAsync();
        Assert.Equal(0, openssl.ExitCode);
        return output.ToArray();
    }
}
