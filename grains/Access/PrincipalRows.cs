using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Access;

/// <summary>Reads and writes the rows of principals and their credentials. It caches nothing.</summary>
internal sealed class PrincipalRows(
    [FromKeyedServices(StorageNames.Sealed)] IGrainStorage storage, IRowDirectory directory)
{
    private const int Together = 32;

    /// <summary>A principal's row, for a change; removed or not.</summary>
    public async Task<RowSlot<PrincipalRow>> Open(string name)
    {
        var slot = new RowSlot<PrincipalRow>(storage, PrincipalRow.Grain(name), RowNames.Principal);
        await slot.Read();
        return slot;
    }

    /// <summary>A principal's row; null if there is none.</summary>
    public async Task<PrincipalRow?> Find(string name) => (await Open(name)).Row is { Removed: false } row ? row : null;

    /// <summary>When the principal's tokens were last used.</summary>
    public async Task<IReadOnlyDictionary<string, DateTimeOffset>> Uses(string name)
    {
        var slot = OpenUses(name);
        await slot.Read();
        return slot.Row?.UsedAt ?? [];
    }

    /// <summary>The row of last uses, not yet read.</summary>
    public RowSlot<TokenUsesRow> OpenUses(string name) => new(storage, PrincipalRow.Grain(name), RowNames.PrincipalUses);

    /// <summary>One page of principals with their rows.</summary>
    /// <exception cref="StorageFailedException">The database did not answer.</exception>
    public async Task<(IReadOnlyList<(string Name, PrincipalRow Row)> Found, string? Next)> List(string prefix, string? after, int limit)
    {
        var names = await directory.List(RowNames.Principal, prefix, after, limit + 1, includeTombstones: false, CancellationToken.None);
        var found = new List<(string, PrincipalRow)>(names.Count);
        foreach (var some in names.Take(limit).Chunk(Together))
        {
            var rows = await Task.WhenAll(some.Select(Find));
            // A principal removed since the names were read is simply gone.
            found.AddRange(some.Zip(rows).Where(pair => pair.Second is not null).Select(pair => (pair.First, pair.Second!)));
        }

        return (found, names.Count > limit ? names[limit - 1] : null);
    }

    /// <summary>A principal that has the policy; null if none has.</summary>
    public async Task<string?> FindHolderOf(string policy)
    {
        for (string? after = null; ;)
        {
            var (found, next) = await List("", after, KmsLimits.PageItems);
            if (found.FirstOrDefault(one => one.Row.Policies.Contains(policy)).Name is { } name) return name;
            if (next is null) return null;
            after = next;
        }
    }

    /// <summary>Refuses a credential that another principal has.</summary>
    /// <exception cref="KmsException">conflict.</exception>
    public async Task RequireFree(string credential, string principal)
    {
        var slot = await OpenCredential(credential);
        // The principal's own row decides: the index may be left over.
        if (slot.Row is { Removed: false } index && index.Principal != principal
            && await Find(index.Principal) is { } other && other.Credentials.Contains(credential))
        {
            throw KmsError.Conflict.Exception("Another principal has one of these identities.");
        }
    }

    /// <summary>Points a credential at a principal.</summary>
    public async Task Assign(string credential, string principal)
    {
        var slot = await OpenCredential(credential);
        if (slot.Row is { Removed: false } index && index.Principal == principal) return;
        await slot.Write(new() { Incarnation = slot.Row?.Incarnation ?? Incarnation.New(), Principal = principal });
    }

    /// <summary>Removes the pointer, if it points at the principal.</summary>
    public async Task Release(string credential, string principal)
    {
        var slot = await OpenCredential(credential);
        if (slot.Row is { Removed: false } index && index.Principal == principal) await slot.Write(index with { Removed = true });
    }

    private async Task<RowSlot<CredentialRow>> OpenCredential(string credential)
    {
        var slot = new RowSlot<CredentialRow>(storage, CredentialRow.Grain(credential), RowNames.Credential);
        await slot.Read();
        return slot;
    }
}
