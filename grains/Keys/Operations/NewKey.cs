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
    public static async Task<GeneratedVersion?> MakeFirst(
        KeyActivation key, IKeyProvider provider, KeyAlgorithm algorithm, KeyUsage usage, CancellationTokenSource time)
    {
        if (!provider.AnswersAtOnce)
        {
            return null;
        }

        await RequireFree(key);
        return await InTime(time, ended => provider.Generate(algorithm, usage, new(key.Id, default, 1), ended));
    }

    /// <summary>Ends in time for the rest: whoever asks hears of the key, or there is none.</summary>
    /// <param name="callerWaits">How long the caller waits; any value, null for the default.</param>
    public static CancellationTokenSource TimeToMake(TimeSpan? callerWaits)
    {
        var within = Deadline.Wait(callerWaits) - _timeToCommit;
        return new(within > TimeSpan.Zero ? within : TimeSpan.Zero);
    }

    /// <summary>Waits for what takes long.</summary>
    /// <exception cref="KmsException">timeout, and whatever the work throws.</exception>
    public static async Task<T> InTime<T>(CancellationTokenSource time, Func<CancellationToken, ValueTask<T>> work)
    {
        try
        {
            return await work(time.Token);
        }
        catch (OperationCanceledException) when (time.IsCancellationRequested)
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
