using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace OrleansKms.Tests.Api;

[Collection(DefaultApiCollection.Name)]
public sealed class DerivationTests(DefaultApi api)
{
    /// <summary>The specs that agree, with the platform's curve to agree with; X25519 has its own test.</summary>
    public static TheoryData<string, string> Curves => new()
    {
        { "ECC_NIST_P256", "nistP256" },
        { "ECC_NIST_P384", "nistP384" },
        { "ECC_NIST_P521", "nistP521" },
    };

    [Fact]
    public async Task Derive_IsTheSameForTheSame_AndAnotherForAnother()
    {
        var id = await api.NewKey(new { spec = "HKDF_256" });
        Assert.Equal("derive", (string)(await api.Get("/v1/keys/" + id)).Json["usage"]!);
        var answer = (await Derive(id, new { context = "AQ==" })).Is(HttpStatusCode.OK).Json.AsObject();
        Assert.Equal(["key_id", "key_version", "derived"], answer.Select(p => p.Key));
        Assert.Equal((id, 1), ((string)answer["key_id"]!, (int)answer["key_version"]!));
        var first = answer["derived"].Deserialize<byte[]>()!;
        Assert.Equal(32, first.Length);
        Assert.Equal(first, await Derived(id, new { context = "AQ==" }));
        Assert.Equal(first, await Derived(id, new { context = "AQ==", salt = "" }));
        Assert.Equal(first, (await Derived(id, new { context = "AQ==", bytes = 1024 }))[..32]);
        Assert.Equal(first[..1], await Derived(id, new { context = "AQ==", bytes = 1 }));
        Assert.NotEqual(first, await Derived(id, new { context = "Ag==" }));
        Assert.NotEqual(first, await Derived(id, new { context = "AQ==", salt = "AQ==" }));
        Assert.NotEqual(first, await Derived(await api.NewKey(new { spec = "HKDF_256" }), new { context = "AQ==" }));

        (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.OK);
        Assert.NotEqual(first, await Derived(id, new { context = "AQ==" }));
        Assert.Equal(first, await Derived(id, new { context = "AQ==", key_version = 1 }));
        var key = (await api.Get("/v1/keys/" + id)).Json;
        Assert.Equal((9, 0), ((int)key["uses"]!["derive"]!, (int)key["uses"]!["encrypt"]!));
        Assert.Equal([8, 1], key["versions"]!.AsArray().Select(v => (int)v!["uses"]!));
    }

    [Theory]
    [InlineData("""{}""", "invalid_parameter")]
    [InlineData("""{"context":""}""", "invalid_parameter")]
    [InlineData("""{"context":"A"}""", "invalid_request")]
    [InlineData("""{"context":"AQ==","bytes":0}""", "invalid_parameter")]
    [InlineData("""{"context":"AQ==","bytes":1025}""", "invalid_parameter")]
    [InlineData("""{"context":"AQ==","bytes":-1}""", "invalid_parameter")]
    [InlineData("""{"context":"AQ==","raw":true}""", "invalid_parameter")]
    [InlineData("""{"context":"AQ==","public_key":"AQ=="}""", "invalid_parameter")]
    [InlineData("""{"context":"AQ==","key_version":0}""", "invalid_parameter")]
    [InlineData("""{"context":"AQ==","info":"AQ=="}""", "invalid_request")]
    [InlineData("""{"items":[{"context":"AQ=="}]}""", "invalid_request")]
    public async Task Derive_BadFields_AreRefused(string body, string code)
    {
        var id = await api.NewKey(new { spec = "HKDF_256" });
        (await api.PostText($"/v1/keys/{id}/derive", body)).Is(HttpStatusCode.BadRequest, code);
    }

    [Fact]
    public async Task Derive_Sizes_BeyondTheLimits_AreRefused()
    {
        var id = await api.NewKey(new { spec = "HKDF_256" });
        await Derived(id, new { context = new byte[8192], salt = new byte[8192] });
        (await Derive(id, new { context = new byte[8193] })).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        (await Derive(id, new { context = "AQ==", salt = new byte[8193] })).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        (await Derive(id, new { context = "AQ==", key_version = 2 })).Is(HttpStatusCode.NotFound, "not_found");
        (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.OK);
        (await api.Post($"/v1/keys/{id}/versions/1/disable")).Is(HttpStatusCode.OK);
        (await Derive(id, new { context = "AQ==", key_version = 1 })).Is(HttpStatusCode.Conflict, "version_not_usable");
    }

    [Theory]
    [MemberData(nameof(Curves))]
    public async Task Agree_WithAKeyOfThePlatform_FindsTheSame(string spec, string curve)
    {
        var id = await api.NewKey(new { spec, usage = "key_agreement" });
        using var theirs = ECDiffieHellman.Create(ECCurve.CreateFromFriendlyName(curve));
        using var ours = ECDiffieHellman.Create();
        ours.ImportFromPem((string)(await api.Get($"/v1/keys/{id}/public-key")).Is(HttpStatusCode.OK).Json["pem"]!);
        var secret = theirs.DeriveRawSecretAgreement(ours.PublicKey);
        var (der, pem) = (Convert.ToBase64String(theirs.ExportSubjectPublicKeyInfo()), theirs.ExportSubjectPublicKeyInfoPem());
        Assert.Equal(secret, await Derived(id, new { public_key = der, raw = true }));
        Assert.Equal(secret, await Derived(id, new { public_key = pem + "\r\n", raw = true }));
        var context = "what it is for"u8.ToArray();
        Assert.Equal(HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, 32, null, context), await Derived(id, new { public_key = pem, context }));
        Assert.Equal(HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, 100), await Derived(id, new { public_key = der, bytes = 100 }));

        (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.OK);
        Assert.NotEqual(secret, await Derived(id, new { public_key = der, raw = true }));
        Assert.Equal(secret, await Derived(id, new { public_key = der, raw = true, key_version = 1 }));
        (await api.Post($"/v1/keys/{id}/sign", new { message = "AQ==" })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
    }

    // RFC 7748, 6.1, is among the unit tests; here two keys of the service agree.
    [Fact]
    public async Task Agree_X25519_ByDerPemAndRawBytes()
    {
        var (one, two) = (await api.NewKey(new { spec = "X25519" }), await api.NewKey(new { spec = "X25519" }));
        var (onePublic, twoPublic) = (await PublicKey(one), await PublicKey(two));
        var secret = await Derived(one, new { public_key = Convert.ToBase64String(twoPublic), raw = true });
        Assert.Equal(32, secret.Length);
        Assert.Equal(secret, await Derived(two, new { public_key = Convert.ToBase64String(onePublic[^32..]), raw = true }));
        Assert.Equal(secret, await Derived(two, new { public_key = PemEncoding.WriteString("PUBLIC KEY", onePublic), raw = true }));
        Assert.Equal(await Derived(one, new { public_key = twoPublic, context = "AQ==" }), await Derived(two, new { public_key = onePublic, context = "AQ==" }));
        var jwk = (await api.Get($"/v1/keys/{one}/public-key")).Json["jwk"]!;
        Assert.Equal(("OKP", "X25519"), ((string)jwk["kty"]!, (string)jwk["crv"]!));

        // The point of order 1, and one of order 8 (RFC 7748, 6.1 and 7): a secret of zeros.
        foreach (var low in (string[])["0000000000000000000000000000000000000000000000000000000000000000", "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"])
        {
            (await Derive(one, new { public_key = Convert.FromHexString(low) })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        }

        foreach (var bad in (byte[][])[twoPublic[^31..], [.. twoPublic[^32..], 0], twoPublic[..^1], [.. twoPublic, 0], [0x30, .. twoPublic]])
        {
            (await Derive(one, new { public_key = Convert.ToBase64String(bad) })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        }

        // In what comes before the key nothing may change; another key is another secret, but for the bit that X25519 ignores.
        for (var i = 0; i < twoPublic.Length; i++)
        {
            byte[] changed = [.. twoPublic];
            changed[i] ^= i == twoPublic.Length - 1 ? (byte)0x80 : (byte)0x10;
            var answer = await Derive(one, new { public_key = changed, raw = true });
            if (i < twoPublic.Length - 32) answer.Is(HttpStatusCode.BadRequest, "invalid_parameter");
            else Assert.Equal(i == twoPublic.Length - 1, secret.SequenceEqual(answer.Is(HttpStatusCode.OK).Json["derived"].Deserialize<byte[]>()!));
        }
    }

    [Theory]
    [MemberData(nameof(Curves))]
    public async Task Agree_WithWhatIsNoKeyOfTheKind_IsRefused(string spec, string curve)
    {
        var id = await api.NewKey(new { spec, usage = "key_agreement" });
        using var key = ECDiffieHellman.Create(ECCurve.CreateFromFriendlyName(curve));
        var good = key.ExportSubjectPublicKeyInfo();
        await Derived(id, new { public_key = good });
        using var otherCurve = ECDiffieHellman.Create(spec == "ECC_NIST_P384" ? ECCurve.NamedCurves.nistP256 : ECCurve.NamedCurves.nistP384);
        using var rsa = RSA.Create(2048);
        var (x, y) = (key.ExportParameters(includePrivateParameters: false).Q.X!, key.ExportParameters(includePrivateParameters: false).Q.Y!);
        var zeros = new byte[x.Length];
        byte[] off = [.. y[..^1], (byte)(y[^1] ^ 1)], ones = [.. Enumerable.Repeat((byte)0xff, x.Length)];
        var odd = (byte)(y[^1] & 1);
        Assert.Equal(good, WithPoint(good, [4, .. x, .. y]));
        byte[][] points =
        [
            [], [0], [0, .. x, .. y], [0, .. zeros, .. zeros], [(byte)(2 + odd), .. x], [(byte)(3 - odd), .. x], [(byte)(2 + odd), .. x, .. y],
            [(byte)(6 + odd), .. x, .. y], [4], [4, .. x], [4, .. x, .. off], [4, .. y, .. x], [4, .. zeros, .. zeros], [4, .. ones, .. ones], [4, .. x, .. y, 0],
            [4, 0, .. x, 0, .. y], [5, .. x, .. y], [.. x, .. y],
        ];
        byte[][] others =
        [
            [], [0], good[..^1], [.. good, 0], Explicit(key), otherCurve.ExportSubjectPublicKeyInfo(), rsa.ExportSubjectPublicKeyInfo(), key.ExportPkcs8PrivateKey(),
            key.ExportECPrivateKey(), new byte[32], new byte[good.Length], RandomNumberGenerator.GetBytes(good.Length), new byte[4096],
        ];
        foreach (var bad in points.Select(point => WithPoint(good, point)).Concat(others))
        {
            (await Derive(id, new { public_key = Convert.ToBase64String(bad) })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
            if (bad.Length > 0) (await Derive(id, new { public_key = PemEncoding.WriteString("PUBLIC KEY", bad) })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        }

        for (var i = 0; i < good.Length; i++)
        {
            byte[] changed = [.. good];
            changed[i] ^= 0x10;
            (await Derive(id, new { public_key = changed })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        }

        (await Derive(id, new { public_key = new byte[4097] })).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        await Derived(id, new { public_key = good });
    }

    [Fact]
    public async Task Agree_TextThatIsNoKey_IsRefused()
    {
        var id = await api.NewKey(new { spec = "ECC_NIST_P256", usage = "key_agreement" });
        using var key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        var pem = key.ExportSubjectPublicKeyInfoPem();
        foreach (var bad in new[]
        {
            "", " ", "not base64!", "\u00e4", "-----BEGIN PUBLIC KEY-----", pem[..^5], pem + pem, "x" + pem, pem + "x", key.ExportPkcs8PrivateKeyPem(),
            key.ExportECPrivateKeyPem(), pem.Replace("PUBLIC KEY", "RSA PUBLIC KEY", StringComparison.Ordinal), pem.Replace('M', '*'),
            "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----", Convert.ToBase64String(Encoding.ASCII.GetBytes(pem)),
        })
        {
            (await Derive(id, new { public_key = bad })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        }

        (await Derive(id, new { public_key = pem.Replace("\n", new string('\n', 20_000), StringComparison.Ordinal) })).Is(HttpStatusCode.OK);
        (await Derive(id, new { public_key = PemEncoding.WriteString("PUBLIC KEY", new byte[700_000]) }))
            .Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
    }

    [Theory]
    [InlineData("""{}""", "invalid_parameter")]
    [InlineData("""{"context":"AQ=="}""", "invalid_parameter")]
    [InlineData("""{"public_key":1}""", "invalid_request")]
    [InlineData("""{"public_key":"KEY","salt":"AQ=="}""", "invalid_parameter")]
    [InlineData("""{"public_key":"KEY","raw":true,"context":"AQ=="}""", "invalid_parameter")]
    [InlineData("""{"public_key":"KEY","raw":true,"bytes":32}""", "invalid_parameter")]
    [InlineData("""{"public_key":"KEY","bytes":1025}""", "invalid_parameter")]
    [InlineData("""{"public_key":"KEY","algorithm":"ECDH"}""", "invalid_request")]
    public async Task Agree_BadFields_AreRefused(string body, string code)
    {
        var id = await api.NewKey(new { spec = "X25519" });
        var key = Convert.ToBase64String(await PublicKey(await api.NewKey(new { spec = "X25519" })));
        (await api.PostText($"/v1/keys/{id}/derive", body.Replace("KEY", key, StringComparison.Ordinal))).Is(HttpStatusCode.BadRequest, code);
    }

    [Fact]
    public async Task KeysOfAnotherUsage_AreRefused()
    {
        foreach (var spec in (string[])["AES_256_GCM", "HMAC_256", "ECC_NIST_P256"])
        {
            (await Derive(await api.NewKey(new { spec }), new { context = "AQ==" })).Is(HttpStatusCode.UnprocessableEntity, "wrong_key_usage");
        }

        (await api.Post("/v1/keys", new { spec = "ECC_SECG_P256K1", usage = "key_agreement" })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Post("/v1/keys", new { spec = "X25519", usage = "sign_verify" })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Post("/v1/keys", new { spec = "HKDF_256", usage = "key_agreement" })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
    }

    private Task<Answer> Derive(string id, object body) => api.Post($"/v1/keys/{id}/derive", body);

    private async Task<byte[]> Derived(string id, object body) =>
        (await Derive(id, body)).Is(HttpStatusCode.OK).Json["derived"].Deserialize<byte[]>()!;

    private async Task<byte[]> PublicKey(string id) =>
        (await api.Get($"/v1/keys/{id}/public-key")).Is(HttpStatusCode.OK).Json["public_key"].Deserialize<byte[]>()!;

    /// <summary>The same public key with another point.</summary>
    private static byte[] WithPoint(byte[] publicKey, byte[] point)
    {
        var algorithm = new AsnReader(publicKey, AsnEncodingRules.DER).ReadSequence().ReadEncodedValue();
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(algorithm.Span);
            writer.WriteBitString(point);
        }

        return writer.Encode();
    }

    /// <summary>The same public key, but with the curve's parameters in place of its name.</summary>
    private static byte[] Explicit(ECDiffieHellman key)
    {
        using var same = ECDiffieHellman.Create(key.ExportExplicitParameters(includePrivateParameters: false));
        return same.ExportSubjectPublicKeyInfo();
    }
}
