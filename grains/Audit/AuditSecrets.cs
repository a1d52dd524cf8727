using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;
using OrleansKms.Grains.Clocks;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Audit;

/// <summary>The secrets of the audit trail, sealed in the database, so that a copy of a silo's disk cannot sign.</summary>
internal sealed class AuditSecrets(
    [FromKeyedServices(StorageNames.Sealed)] IGrainStorage storage, [FromKeyedServices(ClockNames.Keys)] TimeProvider time)
{
    private const int Length = 32;

    /// <summary>Reads a secret; null if there is none.</summary>
    /// <exception cref="KmsException">key_corrupted: the row does not open.</exception>
    /// <exception cref="StorageFailedException">The database failed.</exception>
    public async Task<SecretBytes?> Find(GrainId id)
    {
        var state = new GrainState<AuditRow>();
        await storage.ReadStateAsync(AuditRow.RowName, id, state);
        return state.RecordExists ? Take(state.State!.Secret) : null;
    }

    /// <summary>Reads a secret, or creates it. Silos that create the same one concurrently agree on the first.</summary>
    /// <inheritdoc cref="Find"/>
    public async Task<SecretBytes> FindOrMake(GrainId id)
    {
        while (true)
        {
            if (await Find(id) is { } known)
            {
                return known;
            }

            var secret = RandomNumberGenerator.GetBytes(Length);
            var row = new AuditRow { Secret = secret, CreatedAt = time.GetUtcNow(), Incarnation = Incarnation.New(), Revision = 1 };
            try
            {
                await storage.WriteStateAsync(AuditRow.RowName, id, new GrainState<AuditRow>(row));
                return Take(secret);
            }
            catch (InconsistentStateException)
            {
                CryptographicOperations.ZeroMemory(secret);
            }
        }
    }

    private static SecretBytes Take(byte[] bytes)
    {
        var secret = new SecretBytes(Length);
        bytes.CopyTo(secret.Span);
        CryptographicOperations.ZeroMemory(bytes);
        return secret;
    }
}
