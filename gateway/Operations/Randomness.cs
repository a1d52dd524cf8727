namespace OrleansKms.Gateway.Operations;

/// <summary>Random bytes, drawn in a silo.</summary>
internal static class Randomness
{
    /// <summary>Draws random bytes.</summary>
    public static ValueTask<RandomBytes> Draw(Call call, int bytes) => bytes is < 1 or > KmsLimits.RandomBytes
        ? throw KmsError.InvalidParameter.Exception($"'bytes' must be 1 to {KmsLimits.RandomBytes}.")
        : call.Services.Random.Of(0).Draw(new(call.Caller, bytes));
}
