using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Api;

/// <summary>
/// Whatever is said to be a signature is answered, for every spec that signs: what was changed anywhere is not valid, and what does not
/// fit the key has its code.
/// </summary>
[Collection(DefaultApiCollection.Name)]
public sealed class HostileSignatureTests(DefaultApi api)
{
    // Of a longer one, bytes all over it: the unit tests change each.
    private const int AllBytesUpTo = 2420;
    private const int SomeBytes = 211;
    private static readonly byte[] _message = "signed over HTTP"u8.ToArray();

    public static TheoryData<string> Specs => new(KeySpec.All.Where(spec => spec.Usages.Contains(KeyUsage.SignVerify)).Select(spec => spec.Name));

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task ChangedSignatures_AreNotValid_AndNoError(string spec)
    {
        var keys = await Task.WhenAll(api.NewKey(new { spec }), api.NewKey(new { spec }));
        var (id, other) = (keys[0], keys[1]);
        var forms = await Forms(id);
        var first = Array.Empty<byte>();
        foreach (var form in forms)
        {
            var signature = await Signature(id, form);
            var results = await VerifyAll(id, form, [.. Wrong(signature), signature]);
            Assert.All(results.SkipLast(1), result => Assert.Equal($$"""{"key_id":"{{id}}","valid":false}""", result!.ToJsonString()));
            Assert.Equal($$"""{"key_id":"{{id}}","key_version":1,"valid":true}""", Sorted(results[^1]));
            Assert.False(await IsValid(other, form, signature));
            Assert.False(await IsValid(id, With(form, "message", "AQ=="), signature));
            foreach (var another in forms.Where(another => another != form)) Assert.False(await IsValid(id, another, signature));
            if (form["context"] is not null) Assert.False(await IsValid(id, With(form, "context", "Ag=="), signature));
            first = first is [] ? signature : first;
        }

        (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.OK);
        Assert.True(await IsValid(id, forms[0], first));
        Assert.True(await IsValid(id, With(forms[0], "key_version", 1), first));
        Assert.False(await IsValid(id, With(forms[0], "key_version", 2), first));
        (await Verify(id, With(forms[0], "key_version", 3), first)).Is(HttpStatusCode.NotFound, "not_found");
        (await api.Post($"/v1/keys/{id}/versions/1/disable")).Is(HttpStatusCode.OK);
        Assert.False(await IsValid(id, forms[0], first));
        (await Verify(id, With(forms[0], "key_version", 1), first)).Is(HttpStatusCode.Conflict, "version_not_usable");
    }

    [Theory]
    [InlineData("ECC_NIST_P256", "ECDSA_SHA_256", 32)]
    [InlineData("ECC_NIST_P521", "ECDSA_SHA_512", 64)]
    [InlineData("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_384", 48)]
    [InlineData("ED25519", "ED25519_PH", 64)]
    [InlineData("ED25519", "ED25519", null)]
    [InlineData("ML_DSA_65", "ML_DSA_65", null)]
    [InlineData("SLH_DSA_SHA2_128S", "SLH_DSA_SHA2_128S", null)]
    public async Task WhatTheAlgorithmDoesNotTake_IsRefused(string spec, string algorithm, int? digestLength)
    {
        var id = await api.NewKey(new { spec });
        for (var length = 0; length <= 65; length++)
        {
            var digest = Convert.ToBase64String(new byte[length]);
            if (length != digestLength) await Refused(new() { ["digest"] = digest, ["algorithm"] = algorithm }, "invalid_parameter");
        }

        var takesContext = spec.Contains("_DSA_", StringComparison.Ordinal);
        await Refused(new() { ["message"] = "AQ==", ["algorithm"] = algorithm, ["context"] = Convert.ToBase64String(new byte[takesContext ? 256 : 1]) }, "invalid_parameter");
        if (!spec.StartsWith("ECC", StringComparison.Ordinal)) await Refused(new() { ["message"] = "AQ==", ["algorithm"] = algorithm, ["encoding"] = "der" }, "invalid_parameter");
        foreach (var name in (string[])["", "none", algorithm + " ", "ECDSA_SHA_384", "RSASSA_PSS_SHA_1", "ES256", "HMAC_256", new string('A', 100_000)])
        {
            await Refused(new() { ["message"] = "AQ==", ["algorithm"] = name }, "unsupported_algorithm");
        }

        async Task Refused(JsonObject body, string code)
        {
            (await api.PostText($"/v1/keys/{id}/sign", body.ToJsonString())).Is(HttpStatusCode.BadRequest, code);
            (await Verify(id, body, [1])).Is(HttpStatusCode.BadRequest, code);
        }
    }

    /// <summary>Every way in which the key signs.</summary>
    private async Task<JsonObject[]> Forms(string id)
    {
        var key = (await api.Get("/v1/keys/" + id)).Is(HttpStatusCode.OK).Json;
        var spec = (string)key["spec"]!;
        var forms = key["algorithms"]!.AsArray().Select(name => new JsonObject { ["message"] = Convert.ToBase64String(_message), ["algorithm"] = (string)name! });
        return spec.StartsWith("ECC", StringComparison.Ordinal) ? [.. forms.SelectMany(form => (JsonObject[])[form, With(form, "encoding", "p1363")])]
            : spec.Contains("_DSA_", StringComparison.Ordinal) ? [.. forms.SelectMany(form => (JsonObject[])[form, With(form, "context", "AQ==")])]
            : [.. forms];
    }

    private static IEnumerable<byte[]> Wrong(byte[] signature)
    {
        var step = signature.Length <= AllBytesUpTo ? 1 : signature.Length / SomeBytes;
        for (var at = 0; at < signature.Length; at += step) yield return Changed(signature, at, (byte)(1 << (at % 8)));
        yield return Changed(signature, signature.Length - 1, 1);
        foreach (var other in (byte[][])
            [
                [], [0], signature[1..], signature[..^1], [.. signature, 0], [0, .. signature], [.. signature, .. signature], [.. signature.Reverse()],
                new byte[signature.Length], Changed(new byte[signature.Length], signature.Length - 1, 1), [.. Enumerable.Repeat((byte)0xff, signature.Length)],
                [0x30, 6, 2, 1, 0, 2, 1, 0], [0x30, 0x80, .. signature, 0, 0], [0x30, 0x84, 0xff, 0xff, 0xff, 0xff, .. signature],
                Encoding.ASCII.GetBytes(PemEncoding.WriteString("SIGNATURE", signature)), Encoding.ASCII.GetBytes(Convert.ToBase64String(signature)),
                Encoding.ASCII.GetBytes(Convert.ToHexString(signature)), new byte[KmsLimits.SignatureBytes],
            ])
        {
            yield return other;
        }
    }

    private static byte[] Changed(byte[] bytes, int at, byte by)
    {
        byte[] changed = [.. bytes];
        changed[at] ^= by;
        return changed;
    }

    private static JsonObject With(JsonObject form, string field, JsonNode value)
    {
        var changed = form.DeepClone().AsObject();
        changed[field] = value;
        return changed;
    }

    private static string Sorted(JsonNode? answer) =>
        new JsonObject(answer!.AsObject().OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => KeyValuePair.Create(p.Key, p.Value?.DeepClone()))).ToJsonString();

    private async Task<byte[]> Signature(string id, JsonObject form) =>
        (await api.PostText($"/v1/keys/{id}/sign", form.ToJsonString())).Is(HttpStatusCode.OK).Json["signature"].Deserialize<byte[]>()!;

    private Task<Answer> Verify(string id, JsonObject form, byte[] signature) =>
        api.PostText($"/v1/keys/{id}/verify", With(form, "signature", Convert.ToBase64String(signature)).ToJsonString());

    private async Task<bool> IsValid(string id, JsonObject form, byte[] signature) => (bool)(await Verify(id, form, signature)).Is(HttpStatusCode.OK).Json["valid"]!;

    /// <summary>The answers to many, in as few batches as they fit into.</summary>
    private async Task<List<JsonNode?>> VerifyAll(string id, JsonObject form, List<byte[]> signatures)
    {
        var results = new List<JsonNode?>();
        while (results.Count < signatures.Count)
        {
            var (count, bytes) = (0, 0);
            while (results.Count + count < signatures.Count && count < KmsLimits.BatchItems
                && bytes + signatures[results.Count + count].Length + 100 <= KmsLimits.BatchBytes)
            {
                bytes += signatures[results.Count + count++].Length + 100;
            }

            var items = signatures.Skip(results.Count).Take(count).Select(signature => With(form, "signature", Convert.ToBase64String(signature)));
            results.AddRange((await api.Post($"/v1/keys/{id}/verify", new { items })).Is(HttpStatusCode.OK).Json["results"]!.AsArray());
        }

        return results;
    }
}
