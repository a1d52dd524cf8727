using Orleans.Storage;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Usage;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>What comes before the row <c>key</c> of a key that does not exist yet: created anew, or restored from a backup.</summary>
internal static class NewKey
{
    private const int MaxLostRaces = 3;

    private static readonly TimeSpan _timeToCommit = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Makes material that takes long before anything is written, and in time for the rest: whoever asks hears of the key, or there
    /// is none.
    /// </summary>
    /// <returns>The material; null where it is made outside this process, with its name.</returns>
    /// <exception cref="KmsException">timeout, overloaded; key_exists, key_destroyed.</exception>
    public static async Task<GeneratedVersion?> MakeInTime(
        KeyActivation key, KeyProtection protection, KeyAlgorithm algorithm, TimeSpan? callerWaits)
    {
        var provider = key.Services.Providers.Of(protection);
        if (!provider.AnswersAtOnce)
        {
            return null;
        }

        await RequireFree(key);
        var within = Deadline.Wait(callerWaits) - _timeToCommit;
        using var time = new CancellationTokenSource(within > TimeSpan.Zero ? within : TimeSpan.Zero);
        try
        {
            return await provider.Generate(algorithm, new(key.Id, default, 1), time.Token);
        }
        catch (OperationCanceledException)
        {
            throw KmsError.Timeout.Exception("The key could not be made in time; nothing was created. Try again.");
        }
    }

    /// <summary>Requires that the id is free, and was never a key's.</summary>
    /// <exception cref="KmsException">key_exists, key_destroyed.</exception>
    public static async Task RequireFree(KeyActivation key)
    {
        await key.LoadSlot();
        if (key.Slot.Row is { } existing)
        {
            throw (existing.State == KeyState.Destroyed ? KmsError.KeyDestroyed : KmsError.KeyExists).Exception();
        }
    }

    /// <summary>
    /// Creates the counters of a key that does not exist. When another activation does so at the same moment, it may have created
    /// the key by now; otherwise this continues with the counters that it left.
    /// </summary>
    /// <returns>The incarnation that the row <c>key</c> must have.</returns>
    public static async Task<Incarnation> BeginCounters(KeyActivation key, UsagePolicy policy, int? version)
    {
        for (var lostRaces = 0; ; lostRaces++)
        {
            await RequireFree(key);
            try
            {
                return await key.Usage.Begin(policy, version);
            }
            catch (InconsistentStateException) when (lostRaces < MaxLostRaces)
            {
                key.LostRace();
            }
        }
    }
}
