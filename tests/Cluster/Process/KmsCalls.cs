using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>The few calls of the HTTP interface that these tests make, as a client would.</summary>
internal static class KmsCalls
{
    private static readonly MediaTypeHeaderValue OctetStream = new("application/octet-stream");

    public static async Task<JsonObject> Create(this HttpClient http, string id, long? afterUses = null, string? protection = null, string? spec = null, string? origin = null)
    {
        var request = new JsonObject { ["id"] = id };
        if (protection is not null) request["protection"] = protection;
        if (spec is not null) request["spec"] = spec;
        if (origin is not null) request["origin"] = origin;
        if (afterUses is not null) request["rotation"] = new JsonObject { ["after_uses"] = afterUses };
        return await http.Post("/v1/keys", request);
    }

    public static async Task<JsonObject> Describe(this HttpClient http, string id)
    {
        using var answer = await http.GetAsync($"/v1/keys/{id}");
        return await Read(answer);
    }

    public static Task<JsonObject> Rotate(this HttpClient http, string id) => http.Post($"/v1/keys/{id}/rotate");

    public static Task<JsonObject> Change(this HttpClient http, string id, string verb) => http.Post($"/v1/keys/{id}/{verb}");

    /// <summary>Destroys a version at once, which needs a service without a least delay.</summary>
    public static async Task<JsonObject> DestroyVersion(this HttpClient http, string id, int version)
    {
        var key = await http.Post(
            string.Create(CultureInfo.InvariantCulture, $"/v1/keys/{id}/versions/{version}/destroy"), new JsonObject { ["after"] = "PT0S" });
        while (key["versions"]!.AsArray().Single(v => v!["version"]!.GetValue<int>() == version)!["state"]!.GetValue<string>() != "destroyed")
        {
            key = await http.Describe(id);
        }

        return key;
    }

    public static async Task<(int Version, byte[] Ciphertext)> Encrypt(this HttpClient http, string id, byte[] plaintext)
    {
        var answer = await http.Post($"/v1/keys/{id}/encrypt", new JsonObject { ["plaintext"] = Convert.ToBase64String(plaintext) });
        return (answer["key_version"]!.GetValue<int>(), Convert.FromBase64String(answer["ciphertext"]!.GetValue<string>()));
    }

    public static async Task<(int Version, byte[] Ciphertext)> EncryptBytes(this HttpClient http, string id, byte[] plaintext)
    {
        using var content = new ByteArrayContent(plaintext);
        content.Headers.ContentType = OctetStream;
        using var answer = await http.PostAsync($"/v1/keys/{id}/encrypt", content);
        if (!answer.IsSuccessStatusCode) await Read(answer);
        var version = int.Parse(answer.Headers.GetValues("Okms-Key-Version").Single(), CultureInfo.InvariantCulture);
        return (version, await answer.Content.ReadAsByteArrayAsync());
    }

    /// <summary>Decrypts many ciphertexts of one key; each answer is a plaintext or the code of an error.</summary>
    public static async Task<IReadOnlyList<(byte[]? Plaintext, string? Error)>> DecryptAll(
        this HttpClient http, string id, IEnumerable<byte[]> ciphertexts)
    {
        var results = new List<(byte[]?, string?)>();
        foreach (var chunk in ciphertexts.Chunk(500))
        {
            var items = new JsonArray([.. chunk.Select(c => new JsonObject { ["ciphertext"] = Convert.ToBase64String(c) })]);
            var answer = await http.Post($"/v1/keys/{id}/decrypt", new JsonObject { ["items"] = items });
            foreach (var result in answer["results"]!.AsArray())
            {
                var error = result!["error"] is JsonObject problem ? problem["code"]!.GetValue<string>() : null;
                results.Add((error is null ? Convert.FromBase64String(result["plaintext"]!.GetValue<string>()) : null, error));
            }
        }
        return results;
    }

    public static async Task<(int Version, byte[] Signature)> Sign(this HttpClient http, string id, byte[] message)
    {
        var answer = await http.Post($"/v1/keys/{id}/sign", new JsonObject { ["message"] = Convert.ToBase64String(message) });
        return (answer["key_version"]!.GetValue<int>(), Convert.FromBase64String(answer["signature"]!.GetValue<string>()));
    }

    /// <summary>Imports material as the next version, wrapped as the interface demands.</summary>
    public static async Task<JsonObject> Import(this HttpClient http, string id, byte[] material)
    {
        var parameters = await http.Post($"/v1/keys/{id}/import-parameters");
        using var wrapping = RSA.Create();
        wrapping.ImportFromPem(parameters["wrapping_public_key"]!.GetValue<string>());
        using var aes = Aes.Create();
        aes.KeySize = 256;
        byte[] wrapped = [.. wrapping.Encrypt(aes.Key, RSAEncryptionPadding.OaepSHA256), .. aes.EncryptKeyWrapPadded(material)];
        return await http.Post($"/v1/keys/{id}/import", new JsonObject
        {
            ["import_token"] = parameters["import_token"]!.GetValue<string>(),
            ["wrapped_material"] = Convert.ToBase64String(wrapped),
        });
    }

    public static async Task<(int Version, byte[] Mac)> Mac(this HttpClient http, string id, byte[] message)
    {
        var answer = await http.Post($"/v1/keys/{id}/mac", new JsonObject { ["message"] = Convert.ToBase64String(message) });
        return (answer["key_version"]!.GetValue<int>(), Convert.FromBase64String(answer["mac"]!.GetValue<string>()));
    }

    /// <summary>Verifies many signatures or MACs of one key, each by a version; each answer is whether it is valid or the code of an error.</summary>
    public static async Task<IReadOnlyList<(bool IsValid, string? Error)>> VerifyAll(
        this HttpClient http, string id, IEnumerable<(int Version, byte[] Signature, byte[] Message)> signatures, bool areMacs = false)
    {
        var results = new List<(bool, string?)>();
        foreach (var chunk in signatures.Chunk(500))
        {
            var items = new JsonArray([.. chunk.Select(one => new JsonObject
            {
                ["message"] = Convert.ToBase64String(one.Message),
                [areMacs ? "mac" : "signature"] = Convert.ToBase64String(one.Signature),
                ["key_version"] = one.Version,
            })]);
            var answer = await http.Post($"/v1/keys/{id}/{(areMacs ? "mac/verify" : "verify")}", new JsonObject { ["items"] = items });
            results.AddRange(answer["results"]!.AsArray().Select(result => result!["error"] is JsonObject problem
                ? (false, problem["code"]!.GetValue<string>())
                : (result["valid"]!.GetValue<bool>(), null)));
        }

        return results;
    }

    public static async Task<JsonObject> Post(this HttpClient http, string path, JsonObject? body = null)
    {
        using var answer = body is null ? await http.PostAsync(path, null) : await http.PostAsJsonAsync(path, body);
        return await Read(answer);
    }

    public static async Task<JsonObject> Send(this HttpClient http, HttpMethod method, string path, JsonObject? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        using var answer = await http.SendAsync(request);
        return await Read(answer);
    }

    private static string? CodeOf(string text)
    {
        try
        {
            return JsonNode.Parse(text)?["code"]?.GetValue<string>();
        }
        catch (Exception e) when (e is System.Text.Json.JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static async Task<JsonObject> Read(HttpResponseMessage answer)
    {
        var text = await answer.Content.ReadAsStringAsync();
        return answer.IsSuccessStatusCode
            ? JsonNode.Parse(text)!.AsObject()
            : throw new UnexpectedAnswerException(
                $"{answer.RequestMessage?.RequestUri?.AbsolutePath}: {(int)answer.StatusCode} {text}", (int)answer.StatusCode, CodeOf(text));
    }
}

/// <summary>The service answered, and with an error where none was due.</summary>
/// <param name="message">Everything that was answered.</param>
/// <param name="status">The HTTP status.</param>
/// <param name="code">The error's code, or null where the answer was no problem of ours.</param>
internal sealed class UnexpectedAnswerException(string message, int status, string? code) : Exception(message)
{
    public int Status { get; } = status;

    public string? Code { get; } = code;
}
