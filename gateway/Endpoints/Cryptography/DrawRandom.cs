using OrleansKms.Gateway.Http;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Limits;

namespace OrleansKms.Gateway.Endpoints.Cryptography;

/// <summary>How many random bytes are wanted.</summary>
internal sealed class RandomBody
{
    /// <summary>1 to 1024.</summary>
    public required int Bytes { get; set; }
}

/// <summary>Random bytes.</summary>
internal sealed class RandomAnswer
{
    /// <summary>The bytes.</summary>
    public required byte[] Bytes { get; init; }
}

/// <summary>Draws random bytes in a silo.</summary>
internal static class RandomEndpoint
{
    public static async Task Handle(Exchange exchange)
    {
        var body = await exchange.ReadJson(GatewayJson.Default.RandomBody, SizeLimits.ControlBody);
        if (body.Bytes is < 1 or > KmsLimits.RandomBytes)
        {
            throw KmsError.InvalidParameter.Exception($"'bytes' must be 1 to {KmsLimits.RandomBytes}.");
        }

        var random = await exchange.Services.Random.Of(0).Draw(new DrawRandom(exchange.Caller, body.Bytes));
        await exchange.Answer(new RandomAnswer { Bytes = random.Bytes }, GatewayJson.Default.RandomAnswer);
    }
}
