using OrleansKms.Grains.Cryptography.Importing;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// Makes the parameters of an import. The RSA key is made outside the turn, and the key is checked before and after. Where the key's rule
/// guards imports, the parameters need approval, which permits one import.
/// </summary>
internal sealed class ImportMaking(KeyActivation key, MakeImportParameters request) : IDisposable
{
    // They share the threads and places for the making of keys, of which no key takes all.
    internal const int MaxAtOnce = 2;

    /// <summary>The operation that the rule guards.</summary>
    internal static readonly RequestedOperation Asked = new(KmsOperation.MakeImportParameters.Name);

    private readonly Deadline _deadline = Deadline.Of(request.Within);
    private WrappingKey? _wrapping;

    public static async Task<ImportParameters> Run(KeyActivation key, MakeImportParameters request)
    {
        using var making = new ImportMaking(key, request);
        return await key.Gate.Run(KeyGate.Enter(KmsOperation.MakeImportParameters, request.Caller), making.Run, isRepeatable: true);
    }

    /// <summary>Zeroes the private key.</summary>
    public void Dispose() => _wrapping?.Dispose();

    private async Task<ImportParameters> Run()
    {
        key.Services.RequireLevel(Importing.Level, Importing.Refused, "imported");
        var row = await key.Load();
        if (!await IsToBeAsked(row))
        {
            KeyRotation.PlanImport(row, key.Services.Epoch, key.Now);
            _wrapping ??= await MakeInTime();
        }

        using (await key.Turns.Begin())
        {
            row = await key.Current();
            KeyRotation.PlanImport(row, key.Services.Epoch, key.Now);
            return await IsToBeAsked(row) ? throw await GuardedChange.Ask(key, row, Asked, request.Caller)
                : _wrapping is null ? throw KmsError.Conflict.Exception("The key was changed at the same time; try again.")
                : await ImportOffers.Add(key, row, request.Caller, _wrapping);
        }
    }

    private async Task<bool> IsToBeAsked(KeyRow row) =>
        ApprovalRules.Guard(row.Approval, Asked) is not null && await Grants.Find(key, row, Asked, request.Caller) is null;

    private async Task<WrappingKey> MakeInTime()
    {
        if (key.WrappingKeys >= MaxAtOnce)
        {
            throw KmsError.Overloaded.Exception($"{MaxAtOnce} imports of this key, or their parameters, are in the making already; try again later.");
        }

        key.WrappingKeys++;
        using var time = _deadline.Timer();
        try
        {
            return await key.Services.WrappingKeys.Make(time.Token);
        }
        catch (OperationCanceledException) when (time.IsCancellationRequested)
        {
            throw KmsError.Timeout.Exception("The import parameters could not be made in time. Try again.");
        }
        finally
        {
            key.WrappingKeys--;
        }
    }
}
