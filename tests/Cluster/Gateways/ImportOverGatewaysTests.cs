using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Cluster.Gateways;

/// <summary>Imports whose parameters one gateway gave and whose material another takes, over silos that do not know of each other's calls.</summary>
[Collection(TwoGatewaysCollection.Name)]
public sealed class ImportOverGatewaysTests(TwoGateways service)
{
    private readonly string _id = "import-" + Guid.NewGuid().ToString("N");

    [Fact]
    public async Task Parameters_OfOneGateway_AreForOneImport_ByTheirCaller_ThroughEither()
    {
        var (owner, other) = (await SignUp(), await SignUp());
        Assert.Equal(201, (await TwoGateways.Send(service.First, owner, HttpMethod.Post, "/v1/keys", new JsonObject { ["id"] = _id, ["origin"] = "external" })).Status);
        var (first, second) = (RandomNumberGenerator.GetBytes(32), RandomNumberGenerator.GetBytes(32));
        var parameters = await Parameters(owner);
        var body = Wrapped(parameters, first);

        // Another caller, who may import, and another key: through the other gateway, before and after the silos were replaced.
        Assert.Equal((400, "invalid_parameter"), await Import(service.Second, other, body));
        await service.ReplaceSilos();
        Assert.Equal((400, "invalid_parameter"), await Import(service.Second, other, body));

        // Both at once, and again: one import.
        var both = await Task.WhenAll(Import(service.Second, owner, body), Import(service.First, owner, body));
        Assert.Equal([(200, null), (400, "invalid_parameter")], both.OrderBy(one => one.Status));
        foreach (var gateway in (Processes.ServiceProcess[])[service.First, service.Second])
        {
            Assert.Equal((400, "invalid_parameter"), await Import(gateway, owner, body));
        }

        Assert.Equal((200, null), await Import(service.Second, owner, Wrapped(await Parameters(owner), second)));
        var key = (await TwoGateways.Send(service.First, owner, HttpMethod.Get, $"/v1/keys/{_id}")).Body!;
        Assert.Equal(("enabled", 2, 2), ((string)key["state"]!, (int)key["primary_version"]!, key["versions"]!.AsArray().Count));
    }

    private async Task<string> SignUp() => (string)(await service.SignUp("i-" + Guid.NewGuid().ToString("N"), "administrator"))["token"]!;

    private async Task<JsonNode> Parameters(string token)
    {
        var answer = await TwoGateways.Send(service.First, token, HttpMethod.Post, $"/v1/keys/{_id}/import-parameters");
        Assert.Equal(200, answer.Status);
        return answer.Body!;
    }

    private async Task<(int Status, string? Code)> Import(Processes.ServiceProcess gateway, string token, JsonObject body)
    {
        var answer = await TwoGateways.Send(gateway, token, HttpMethod.Post, $"/v1/keys/{_id}/import", body.DeepClone());
        return (answer.Status, (string?)answer.Body?["code"]);
    }

    private static JsonObject Wrapped(JsonNode parameters, byte[] material)
    {
        using var rsa = RSA.Create();
        rsa.ImportFromPem((string)parameters["wrapping_public_key"]!);
        using var aes = Aes.Create();
        return new()
        {
            ["import_token"] = (string)parameters["import_token"]!,
            ["wrapped_material"] = Convert.ToBase64String([.. rsa.Encrypt(aes.Key, RSAEncryptionPadding.OaepSHA256), .. aes.EncryptKeyWrapPadded(material)]),
        };
    }
}
