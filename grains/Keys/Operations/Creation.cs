using Orleans.Storage;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Usage;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Creates the key.</summary>
internal static class Creation
{
    private const int MaxLostRaces = 3;

    private static readonly TimeSpan _timeToCommit = TimeSpan.FromSeconds(1);

    public static Task<KeyDescription> Run(KeyActivation key, CreateKey request) => key.Gate.RunInTurn(
        KeyGate.Enter(KmsOperation.CreateKey, request.Caller), () => Create(key, request));

    private static async Task<KeyDescription> Create(KeyActivation key, CreateKey request)
    {
        var services = key.Services;
        var algorithm = KeyRequestRules.Check(request, key.Id, services.Providers);
        services.RequireLevelOf(algorithm, request.Usage ?? algorithm.Usages[0]);
        if (request.Limits is { Count: > 0 })
        {
            services.RequireLevel4("Limits");
        }

        if (request.Approval is not null)
        {
            services.RequireLevel4("Dual control");
        }

        services.Changes.RequireRoom();
        int? version = request.Origin == KeyOrigin.Generated ? VersionNumbers.Next(0, services.Epoch, key.Now) : null;
        using var slow = version is null || !algorithm.IsSlow ? null : await MakeInTime(key, request, algorithm);
        var incarnation = await BeginCounters(key, UsagePolicy.Of(algorithm, request.Rotation, request.Origin), version);
        var made = version is { } first
            ? await key.Versions.NewMaterial(request.Protection, algorithm, incarnation, first, slow)
            : null;
        var row = KeyChanges.Create(
            request, request.Usage ?? algorithm.Usages[0], incarnation, made?.Material, services.Epoch.Number, key.Now, made?.PublicKey);
        try
        {
            await key.Write(null, row, new(request.Caller, KmsOperation.CreateKey.Verb));
        }
        catch (InconsistentStateException)
        {
            key.LostRace();
            throw KmsError.KeyExists.Exception();
        }

        await RowChange.Committed(key, row, request.Caller, KmsOperation.CreateKey.Verb);
        return RowChange.Described(key, row);
    }

    /// <summary>
    /// Makes material that takes long before anything is written, and in time for the rest: whoever asks hears of the key, or there
    /// is none.
    /// </summary>
    /// <returns>The material; null where it is made outside this process, with its name.</returns>
    /// <exception cref="KmsException">timeout, overloaded; key_exists, key_destroyed.</exception>
    private static async Task<GeneratedVersion?> MakeInTime(KeyActivation key, CreateKey request, KeyAlgorithm algorithm)
    {
        var provider = key.Services.Providers.Of(request.Protection);
        if (!provider.AnswersAtOnce)
        {
            return null;
        }

        await RequireFree(key);
        var within = Deadline.Wait(request.Within) - _timeToCommit;
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

    private static async Task RequireFree(KeyActivation key)
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
    private static async Task<Incarnation> BeginCounters(KeyActivation key, UsagePolicy policy, int? version)
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
