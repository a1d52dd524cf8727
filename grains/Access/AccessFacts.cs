using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Storage;
using OrleansKms.Grains.Clocks;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Access;

/// <summary>
/// What this silo knows about principals, for gateways and for itself. Rows are read on every call, since gateways cache the answers; the
/// ledger is read at most twice a second. A row that cannot be trusted yields no answer.
/// </summary>
internal sealed partial class AccessFacts(
    [FromKeyedServices(StorageNames.Sealed)] IGrainStorage storage, [FromKeyedServices(ClockNames.Keys)] TimeProvider time,
    KmsStorageOptions options, CurrentEpoch epoch, IPolicySource policies, ILogger<AccessFacts> logger) : IDisposable
{
    /// <summary>How long a reading of the ledger is reused.</summary>
    internal static readonly TimeSpan FreshFor = TimeSpan.FromMilliseconds(500);

    private readonly TimeSpan _holdsFor = options.Fence.Grace > AccessGrain.MinHold ? options.Fence.Grace : AccessGrain.MinHold;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly SeenOrder _seen = new();
    private readonly SeenStamps _stamps = new();
    private volatile Reading? _reading;
    private long _triedAt;
    private bool _isFailing;

    /// <summary>The ledger, and when it was certainly current.</summary>
    private sealed record Reading(AccessLedgerRow? Row, long Order, long ReadAt);

    /// <summary>What has changed since an order.</summary>
    /// <exception cref="KmsException">storage_unavailable: no reading is recent enough.</exception>
    public async ValueTask<AccessChanges> Changes(long since, bool readsAnew = false)
    {
        var reading = await Ledger(readsAnew ? time.GetTimestamp() : null);
        var age = time.GetElapsedTime(reading.ReadAt);
        if (age > _holdsFor) throw KmsError.StorageUnavailable.Exception();
        var known = SeenOrder.RevisionOf(since, epoch.Value.Number);
        var row = reading.Row;
        // A gateway that has received nothing yet has nothing to forget.
        var everything = since != 0 && (row is null ? known != 0 : known < row.Forgotten || since < SeenOrder.Of(epoch.Value.Number, 0));
        var names = row?.Entries.Where(entry => entry.Revision > known).Select(entry => entry.Name) ?? [];
        if (row?.Pending is { } pending) names = names.Append(pending);
        return new(reading.Order, everything, [.. names.Distinct()], age, _holdsFor);
    }

    /// <summary>The principal that has a credential; null if none has.</summary>
    /// <exception cref="KmsException">storage_unavailable.</exception>
    public ValueTask<PrincipalFacts?> Find(string credential) => Find(async view =>
        await Read<CredentialRow>(RowNames.Credential, CredentialRow.Grain(credential)) is { Removed: false } index
            && await FindRow(index.Principal, view) is { } row && row.Credentials.Contains(credential)
            ? await FactsOf(index.Principal, row, credential, view)
            : null);

    /// <summary>The principal with a name, without a credential; null if there is none.</summary>
    /// <exception cref="KmsException">storage_unavailable.</exception>
    public ValueTask<PrincipalFacts?> FindNamed(string name) => Find(async view => PrincipalName.IsValid(name) && await FindRow(name, view) is { } row
        ? await FactsOf(name, row, "", view)
        : null);

    /// <summary>What detects an old copy of a row that is read from now on.</summary>
    /// <exception cref="KmsException">storage_unavailable.</exception>
    public async ValueTask<AccessView> View() => new((await Ledger(time.GetTimestamp())).Row, _stamps);

    /// <inheritdoc/>
    public void Dispose() => _turn.Dispose();

    private async ValueTask<PrincipalFacts?> Find(Func<AccessView, ValueTask<PrincipalFacts?>> read)
    {
        var view = await View();
        try
        {
            return await read(view);
        }
        catch (StorageFailedException e)
        {
            LogFailed(e);
            throw KmsError.StorageUnavailable.Exception();
        }
        catch (KmsException e) when (e.Error == KmsError.KeyCorrupted)
        {
            // The storage has logged it.
            return null;
        }
    }

    private async ValueTask<PrincipalRow?> FindRow(string name, AccessView view)
    {
        var row = await Read<PrincipalRow>(RowNames.Principal, PrincipalRow.Grain(name));
        if (row is null || view.Believes(PrincipalRow.LedgerName(name), row.Stamp)) return row is { Removed: false } ? row : null;
        LogPutBack(PrincipalRow.LedgerName(name));
        return null;
    }

    private async ValueTask<PrincipalFacts?> FactsOf(string name, PrincipalRow row, string credential, AccessView view)
    {
        var found = new List<Policy>(row.Policies.Length);
        foreach (var policy in row.Policies)
        {
            if (await policies.Find(policy, view) is not { } known)
            {
                // It may be a deny policy: without it the principal could do more.
                LogPolicyMissing(name, policy);
                return null;
            }

            found.Add(known);
        }

        var token = CredentialName.TokenId(credential) is { } id ? Array.Find(row.Tokens, token => token.Id == id) : null;
        return new()
        {
            Name = name,
            IsEnabled = !row.Disabled,
            Policies = [.. found],
            Limits = row.Limits,
            TokenSha256 = token?.Sha256,
            ExpiresAt = token?.ExpiresAt,
        };
    }

    private async Task<T?> Read<T>(string name, GrainId grain)
        where T : Row
    {
        var state = new GrainState<T>();
        await storage.ReadStateAsync(name, grain, state);
        return state.RecordExists ? state.State : null;
    }

    /// <summary>The ledger: a recent reading, or one that began at the given time or later.</summary>
    private async ValueTask<Reading> Ledger(long? since = null)
    {
        if (IsFresh(since)) return _reading!;
        await _turn.WaitAsync();
        try
        {
            if (!IsFresh(since)) await ReadLedger();
            return _reading ?? throw KmsError.StorageUnavailable.Exception();
        }
        finally
        {
            _turn.Release();
        }
    }

    private bool IsFresh(long? since) => _reading is { } reading
        && (since is { } start ? reading.ReadAt >= start : time.GetElapsedTime(Volatile.Read(ref _triedAt)) < FreshFor);

    private async Task ReadLedger()
    {
        // Taken before the read: the read may miss a change made meanwhile.
        var startedAt = time.GetTimestamp();
        try
        {
            var row = await Read<AccessLedgerRow>(RowNames.AccessLedger, AccessLedgerRow.Grain);
            var order = SeenOrder.Of(epoch.Value.Number, row?.Revision ?? 0);
            if (_seen.Note(order)) _reading = new(row, order, startedAt);
            else if (!_isFailing) LogOlder(row?.Revision ?? 0);
            _isFailing = _reading?.ReadAt != startedAt;
        }
        catch (Exception e) when (e is KmsException or StorageFailedException)
        {
            if (!_isFailing) LogFailed(e);
            _isFailing = true;
        }

        // Taken after the read, so that callers who waited for an unresponsive database do not at once wait for it again.
        Volatile.Write(ref _triedAt, time.GetTimestamp());
    }

    [LoggerMessage(LogLevel.Error, "access: {Subject} in the database is older than a copy written before: it was rolled back, and is ignored")]
    private partial void LogPutBack(string subject);

    [LoggerMessage(LogLevel.Error, "access: the policy {Policy} of the principal {Principal} is missing or was rolled back, so the principal may do nothing")]
    private partial void LogPolicyMissing(string principal, string policy);

    [LoggerMessage(LogLevel.Error, "access: the ledger in the database is older (revision {Revision}) than one this silo has seen: it was rolled back, and is ignored")]
    private partial void LogOlder(long revision);

    [LoggerMessage(LogLevel.Warning, "access: rows could not be read")]
    private partial void LogFailed(Exception exception);
}
