using System.Security.Cryptography;
using Orleans.Concurrency;

namespace OrleansKms.Grains.Services;

/// <summary>Random bytes from the operating system's generator.</summary>
[StatelessWorker]
public sealed class RandomGrain : Grain, IRandomGrain
{
    /// <inheritdoc/>
    public ValueTask<RandomBytes> Draw(DrawRandom request) =>
        request.Bytes is < 1 or > KmsLimits.RandomBytes
            ? throw KmsError.InvalidParameter.Exception($"bytes must be 1 to {KmsLimits.RandomBytes}.")
            : new(new RandomBytes(RandomNumberGenerator.GetBytes(request.Bytes)));
}
