using System.Security.Cryptography;
using Orleans.Concurrency;
using OrleansKms.Grains.Audit;

namespace OrleansKms.Grains.Services;

/// <summary>Random bytes from the operating system's generator.</summary>
[StatelessWorker]
public sealed class RandomGrain(CallAudit audit) : Grain, IRandomGrain
{
    /// <inheritdoc/>
    public ValueTask<RandomBytes> Draw(DrawRandom request) => new(audit.Run(
        KmsOperation.DrawRandom, request.Caller, new() { Bytes = request.Bytes },
        () => request.Bytes is < 1 or > KmsLimits.RandomBytes
            ? throw KmsError.InvalidParameter.Exception($"bytes must be 1 to {KmsLimits.RandomBytes}.")
            : Task.FromResult(new RandomBytes(RandomNumberGenerator.GetBytes(request.Bytes)))));
}
