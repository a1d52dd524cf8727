using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>How many random bytes to draw.</summary>
internal sealed class RandomBody
{
    /// <summary>1 to <see cref="KmsLimits.RandomBytes"/>.</summary>
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
    public static async Task Handle(RestExchange exchange)
    {
        var body = await exchange.ReadJson(RestJson.Default.RandomBody, SizeLimits.ControlBody);
        var random = await Randomness.Draw(exchange, body.Bytes);
        await exchange.Answer(new RandomAnswer { Bytes = random.Bytes }, RestJson.Default.RandomAnswer);
    }
}
