using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Gateways;

/// <summary>
/// That a wire which signs in after the body, and tells errors in its own form, stands beside REST: over the same use-cases, and
/// without either knowing of the other.
/// </summary>
public sealed class SecondWireTests(OneSiloAndAGateway cluster) : IClassFixture<OneSiloAndAGateway>
{
    private readonly string _key = Guid.NewGuid().ToString("N");

    [Fact]
    public async Task Signed_IsEncryptedWithTheSameKey_AsRestHas()
    {
        await cluster.Gateway.Http.Create(_key);
        using var answer = await Send($"{_key}\nhello");
        Assert.Equal((HttpStatusCode.OK, "application/x-ciphertext"), (answer.StatusCode, answer.Content.Headers.ContentType?.ToString()));
        Assert.True(answer.Headers.Contains("X-Request-Id"));
        using var decrypted = await cluster.Gateway.Http.PostAsJsonAsync("/v1/decrypt", new { ciphertext = await answer.Content.ReadAsByteArrayAsync() });
        var plaintext = JsonNode.Parse(await decrypted.Content.ReadAsStringAsync())!["plaintext"]!.GetValue<string>();
        Assert.Equal("hello", Encoding.UTF8.GetString(Convert.FromBase64String(plaintext)));
    }

    [Theory]
    [InlineData("missing\nhello", "!key_not_found")]
    [InlineData("not an id!\nhello", "!invalid_key_id")]
    [InlineData("alias:missing\nhello", "!alias_not_found")]
    [InlineData("missing\n", "!invalid_parameter")]
    public async Task Failures_AreToldInItsOwnForm(string body, string expected)
    {
        using var answer = await Send(body);
        Assert.Equal((HttpStatusCode.BadRequest, expected), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task WrongSignature_IsRefusedBeforeTheBodyIsLookedAt()
    {
        using var answer = await Send("not an id!\nhello", SignedWire.Sign("another body"u8.ToArray()));
        Assert.Equal((HttpStatusCode.BadRequest, "!unauthenticated"), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task BodyThatIsTooLarge_IsToldInItsOwnForm()
    {
        using var answer = await Send(new string('a', SignedWire.MaxBody + 1));
        Assert.Equal("!payload_too_large", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task TokenOfRest_SignsNobodyInThere_AndItsRequestsAreRests()
    {
        // The client of the tests sends the administrator's token with every request.
        using var answer = await Send($"{_key}\nhello", signature: "");
        Assert.Equal("!unauthenticated", await answer.Content.ReadAsStringAsync());
        using var rest = await cluster.Gateway.Http.GetAsync($"/v1/keys/{_key}");
        Assert.Equal((HttpStatusCode.NotFound, "application/problem+json"), (rest.StatusCode, rest.Content.Headers.ContentType?.ToString()));
    }

    private Task<HttpResponseMessage> Send(string body, string? signature = null)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        var request = new HttpRequestMessage(HttpMethod.Post, "/") { Content = new ByteArrayContent(bytes) };
        request.Headers.Add(SignedWire.ActionHeader, "Encrypt");
        request.Headers.TryAddWithoutValidation(SignedWire.SignatureHeader, signature ?? SignedWire.Sign(bytes));
        return cluster.Gateway.Http.SendAsync(request);
    }
}
