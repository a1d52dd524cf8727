using Orleans.Storage;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Usage;
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
        using var slow = version is null || !algorithm.IsSlow ? null : await NewKey.MakeInTime(key, request.Protection, algorithm, request.Within);
        var incarnation = await NewKey.BeginCounters(key, UsagePolicy.Of(algorithm, request.Rotation, request.Origin), version);
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
}
