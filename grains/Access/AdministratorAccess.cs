using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;
using OrleansKms.Grains.Clocks;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Access;

/// <summary>Sets the administrator of a cluster, by the hash of a token.</summary>
public sealed class AdministratorAccess(
    [FromKeyedServices(StorageNames.Sealed)] IGrainStorage storage, [FromKeyedServices(ClockNames.Keys)] TimeProvider time,
    IServiceProvider services)
{
    /// <summary>Whether the cluster has an administrator.</summary>
    /// <exception cref="StorageFailedException">The database did not answer.</exception>
    /// <exception cref="KmsException">key_corrupted: the row does not open.</exception>
    public async Task<bool> Exists()
    {
        var slot = NewSlot();
        await slot.Read();
        return slot.Row is not null;
    }

    /// <summary>Makes the holder of a token the administrator, replacing any earlier one. Gateways know within seconds.</summary>
    /// <param name="tokenSha256">SHA-256 of the token, 32 bytes. The token is random and long.</param>
    /// <exception cref="StorageFailedException">The write failed.</exception>
    /// <exception cref="KmsException">key_corrupted: the existing row does not open.</exception>
    public async Task Set(byte[] tokenSha256)
    {
        var slot = NewSlot();
        await slot.Read();
        var action = slot.Row is null ? "administrator-create" : "administrator-replace";
        await slot.Write(new AccessRow
        {
            Incarnation = slot.Row?.Incarnation ?? Incarnation.New(),
            AdministratorTokenSha256 = tokenSha256,
            CreatedAt = time.GetUtcNow(),
        });
        await services.GetRequiredService<SystemEvents>().Add(
            action, $"by {Environment.UserName}", time.GetUtcNow().UtcDateTime, CancellationToken.None);
    }

    private RowSlot<AccessRow> NewSlot() => new(storage, AccessRow.Grain, RowNames.Access);
}
