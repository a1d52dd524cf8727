using System.Security.Cryptography;
using Orleans.Concurrency;

namespace OrleansKms.Grains.Services;

/// <summary>Random bytes from the operating system's generator.</summary>
[StatelessWorker]
public sealed class RandomGrain : Grain, IRandomGrain
{
    /// <inheritdoc/>
    public ValueTask<RandomBytes> Draw(DrawRandom request) =>
        request.Bytes is < 1 or > KeyLimits.DataKeyBytes
            ? throw KmsError.InvalidParameter.Exception($"bytes must be 1 to {KeyLimits.DataKeyBytes}.")
            : new(new RandomBytes(RandomNumberGenerator.GetBytes(request.Bytes)));
}
