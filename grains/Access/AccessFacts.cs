using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Storage;
using OrleansKms.Grains.Clocks;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Access;

/// <summary>
/// What this silo tells of principals, to gateways and to itself. Rows are read each time they are asked for, since gateways keep what
/// they hear; the ledger is read twice a second at most. Of a row that cannot be believed, it tells nothing.
/// </summary>
internal sealed partial class AccessFacts(
    [FromKeyedServices(StorageNames.Sealed)] IGrainStorage storage, [FromKeyedServices(ClockNames.Keys)] TimeProvider time,
    KmsStorageOptions options, CurrentEpoch epoch, IPolicySource policies, ILogger<AccessFacts> logger) : IDisposable
{
    /// <summary>How long the ledger is answered from without reading it again.</summary>
    internal static readonly TimeSpan FreshFor = TimeSpan.FromMilliseconds(500);

    private readonly TimeSpan _holdsFor = options.Fence.Grace > AccessGrain.MinHold ? options.Fence.Grace : AccessGrain.MinHold;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly SeenOrder _seen = new();
    private readonly SeenStamps _stamps = new();
    private volatile Reading? _reading;
    private long _triedAt;
    private bool _isFailing;

    /// <summary>The ledger, and when it was so for certain.</summary>
    private sealed record Reading(AccessLedgerRow? Row, long Order, long ReadAt);

    /// <summary>What has changed since an order.</summary>
    /// <exception cref="KmsException">storage_unavailable: nothing that is young enough is known.</exception>
    public async ValueTask<AccessChanges> Changes(long since, bool readsAnew = false)
    {
        var reading = await Ledger(readsAnew ? time.GetTimestamp() : null);
        var age = time.GetElapsedTime(reading.ReadAt);
        if (age > _holdsFor) throw KmsError.StorageUnavailable.Exception();
        var known = SeenOrder.RevisionOf(since, epoch.Value.Number);
        var row = reading.Row;
        // One that was never told anything has nothing to forget.
        var everything = since != 0 && (row is null ? known != 0 : known < row.Forgotten || since < SeenOrder.Of(epoch.Value.Number, 0));
        var names = row?.Entries.Where(entry => entry.Revision > known).Select(entry => entry.Name) ?? [];
        if (row?.Pending is { } pending) names = names.Append(pending);
        return new(reading.Order, everything, [.. names.Distinct()], age, _holdsFor);
    }

    /// <summary>The principal that has a credential; null where nobody has.</summary>
    /// <exception cref="KmsException">storage_unavailable.</exception>
    public async ValueTask<PrincipalFacts?> Find(string credential)
    {
        var view = await View();
        try
        {
            return await Read<CredentialRow>(RowNames.Credential, CredentialRow.Grain(credential)) is { Removed: false } index
                && await FindRow(index.Principal, view) is { } row && row.Credentials.Contains(credential)
                ? await FactsOf(index.Principal, row, credential, view)
                : null;
        }
        catch (StorageFailedException e)
        {
            LogFailed(e);
            throw KmsError.StorageUnavailable.Exception();
        }
        catch (KmsException e) when (e.Error == KmsError.KeyCorrupted)
        {
            // The storage has told of it.
            return null;
        }
    }

    /// <summary>What tells an old copy of a row that is read from now on.</summary>
    /// <exception cref="KmsException">storage_unavailable.</exception>
    public async ValueTask<AccessView> View() => new((await Ledger(time.GetTimestamp())).Row, _stamps);

    /// <inheritdoc/>
    public void Dispose() => _turn.Dispose();

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
                // It may be one that denies: without it the principal could do more.
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

    /// <summary>The ledger: a young reading of it, or one that began at a time or later, if one is given.</summary>
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
        // The time before the reading: a change that comes while it is read may not be in it.
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

        // The time after it: who waited for a database that does not answer must not wait for it again at once.
        Volatile.Write(ref _triedAt, time.GetTimestamp());
    }

    [LoggerMessage(LogLevel.Error, "access: {Subject} in the database is older than one that was written: somebody has put it back, and it is not believed")]
    private partial void LogPutBack(string subject);

    [LoggerMessage(LogLevel.Error, "access: the principal {Principal} has the policy {Policy}, which is not there or cannot be believed, and so may do nothing")]
    private partial void LogPolicyMissing(string principal, string policy);

    [LoggerMessage(LogLevel.Error, "access: the ledger in the database is older (revision {Revision}) than one that this silo has seen: somebody has put it back, and it is not believed")]
    private partial void LogOlder(long revision);

    [LoggerMessage(LogLevel.Warning, "access: rows could not be read")]
    private partial void LogFailed(Exception exception);
}
