using Orleans.Storage;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Keys.Usage;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Creates the key.</summary>
internal static class Creation
{
    public static Task<KeyDescription> Run(KeyActivation key, CreateKey request) => key.Gate.RunInTurn(
        KeyGate.Enter(KmsOperation.CreateKey, request.Caller), () => Create(key, request));

    private static async Task<KeyDescription> Create(KeyActivation key, CreateKey request)
    {
        var services = key.Services;
        var algorithm = KeyRequestRules.Check(request, key.Id, services.Providers);
        var provider = services.Providers.Of(request.Protection);
        var usage = request.Usage ?? algorithm.Usages[0];
        services.RequireLevelOf(provider, algorithm, usage);
        if (request.Limits is { Count: > 0 })
        {
            services.RequireLevel4("Limits");
        }

        if (request.Approval is { } rule)
        {
            services.RequireLevelOf(rule);
        }

        using var time = NewKey.TimeToMake(request.Within);
        if (await NewKey.InTime(time, ended => provider.WhyUnsupported(algorithm, usage, ended)) is { } unsupported)
        {
            throw KmsError.UnsupportedAlgorithm.Exception(unsupported);
        }

        services.Changes.RequireRoom();
        int? version = request.Origin == KeyOrigin.Generated ? VersionNumbers.Next(0, services.Epoch, key.Now) : null;
        using var slow = version is null || !provider.IsSlow(algorithm) ? null : await NewKey.MakeFirst(key, provider, algorithm, usage, time);
        return await TryAtOnce(key, request, algorithm, usage, version) is { } row
            ? await Created(key, request, row)
            : await Created(key, request, await InSteps(key, request, algorithm, usage, version, slow, time));
    }

    private static async Task<KeyDescription> Created(KeyActivation key, CreateKey request, KeyRow row)
    {
        await RowChange.Committed(key, row, request.Caller, KmsOperation.CreateKey.Verb);
        return RowChange.Described(key, row);
    }

    /// <summary>
    /// Inserts both rows in one transaction, without looking whether there are any: nearly always there are none, and an attempt that did
    /// not end leaves both or neither.
    /// </summary>
    /// <returns>Null if there is something, which must be looked at; then nothing was written.</returns>
    private static async Task<KeyRow?> TryAtOnce(KeyActivation key, CreateKey request, KeyAlgorithm algorithm, KeyUsage usage, int? version)
    {
        // What was read once may be what an earlier attempt left. And what an HSM makes stays there, so one looks first.
        if (key.Services.Storage is not IPairedRows rows || key.Slot.State != RowState.Unread || key.Usage.IsLoaded
            || !key.Services.Providers.Of(request.Protection).AnswersAtOnce)
        {
            return null;
        }

        var incarnation = Incarnation.New();
        var made = version is { } first ? await key.Versions.NewMaterial(request.Protection, algorithm, usage, incarnation, first, null) : null;
        var row = KeyChanges.Create(
            request, usage, incarnation, made?.Material, key.Services.Epoch.Number, key.Now, made?.PublicKey);
        try
        {
            return await key.Insert(
                rows, row, new(request.Caller, KmsOperation.CreateKey.Verb), UsagePolicy.Of(algorithm, request.Rotation, request.Origin), version);
        }
        catch (InconsistentStateException)
        {
            return null;
        }
    }

    /// <summary>Creates the counters and then the key, after reading both: goes on where an earlier attempt ended.</summary>
    private static async Task<KeyRow> InSteps(
        KeyActivation key, CreateKey request, KeyAlgorithm algorithm, KeyUsage usage, int? version, GeneratedVersion? slow, CancellationTokenSource time)
    {
        var services = key.Services;
        var incarnation = await NewKey.BeginCounters(key, UsagePolicy.Of(algorithm, request.Rotation, request.Origin), version);
        var made = version is { } first
            ? await NewKey.InTime(time, ended => key.Versions.NewMaterial(request.Protection, algorithm, usage, incarnation, first, slow, ended))
            : null;
        var row = KeyChanges.Create(
            request, usage, incarnation, made?.Material, services.Epoch.Number, key.Now, made?.PublicKey);
        try
        {
            return await key.Write(null, row, new(request.Caller, KmsOperation.CreateKey.Verb));
        }
        catch (InconsistentStateException)
        {
            key.LostRace();
            throw KmsError.KeyExists.Exception();
        }
    }
}
