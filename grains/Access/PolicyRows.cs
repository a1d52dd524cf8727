using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Storage;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Access;

/// <summary>Reads and writes the rows of policies, and knows the built-in ones. It caches nothing.</summary>
internal sealed partial class PolicyRows(
    [FromKeyedServices(StorageNames.Sealed)] IGrainStorage storage, IRowDirectory directory, ILogger<PolicyRows> logger) : IPolicySource
{
    private const int Together = 32;

    /// <summary>A policy's row, for a change; removed or not.</summary>
    public async Task<RowSlot<PolicyRow>> Open(string name)
    {
        var slot = new RowSlot<PolicyRow>(storage, PolicyRow.Grain(name), RowNames.Policy);
        await slot.Read();
        return slot;
    }

    /// <inheritdoc/>
    public async ValueTask<Policy?> Find(string name, AccessView view)
    {
        if (BuiltInPolicies.All.TryGetValue(name, out var builtIn)) return builtIn;
        try
        {
            var row = KeyId.IsValid(name) ? (await Open(name)).Row : null;
            if (row is null || view.Believes(PolicyRow.LedgerName(name), row.Stamp)) return row is { Removed: false } ? new(name, row.Statements) : null;
            LogPutBack(name);
        }
        catch (KmsException e) when (e.Error == KmsError.KeyCorrupted)
        {
            // The storage has logged it.
        }

        return null;
    }

    /// <summary>One page of policies, built-in ones included.</summary>
    public async Task<PolicyPage> List(string prefix, string? after, int limit)
    {
        var stored = await directory.List(RowNames.Policy, prefix, after, limit + 1, includeTombstones: false, CancellationToken.None);
        var names = BuiltInPolicies.All.Keys
            .Where(name => name.StartsWith(prefix, StringComparison.Ordinal) && string.CompareOrdinal(name, after) > 0)
            .Concat(stored).Order(StringComparer.Ordinal).ToList();
        var found = new List<Policy>();
        foreach (var some in names.Take(limit).Chunk(Together))
        {
            // A policy deleted since the names were read is simply gone.
            found.AddRange((await Task.WhenAll(some.Select(Read))).OfType<Policy>());
        }

        return new([.. found], names.Count > limit);
    }

    /// <summary>A policy as stored; null if there is none.</summary>
    public async Task<Policy?> Read(string name) => BuiltInPolicies.All.TryGetValue(name, out var builtIn) ? builtIn
        : KeyId.IsValid(name) && (await Open(name)).Row is { Removed: false } row ? new(name, row.Statements)
        : null;

    [LoggerMessage(LogLevel.Error, "access: the policy {Policy} in the database is older than a copy written before: it was rolled back, and is ignored")]
    private partial void LogPutBack(string policy);
}
