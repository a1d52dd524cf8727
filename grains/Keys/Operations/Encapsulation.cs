using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// Encapsulates secrets with the primary version's public key, which the row of the key holds: so it needs no material, no provider and no
/// reserved use. It is counted in memory, as a verification is. A rotation that is due comes first, since the secret is for the new version.
/// </summary>
internal static class Encapsulation
{
    public static ValueTask<Encapsulated> Run(KeyActivation key, Encapsulate request)
    {
        var call = KeyGate.Enter(KmsOperation.Encapsulate, request.Caller);
        return new(key.Gate.Run(call, () => Make(key), isRepeatable: true));
    }

    private static async Task<Encapsulated> Make(KeyActivation key)
    {
        while (true)
        {
            KeyUsability.Require(await key.Load(), KeyUsage.Encapsulate);
            await key.Primary.PreparePublic(KeyUsage.Encapsulate);
            if (key.Slot is not { NeedsRead: false, Row: { } row })
            {
                continue;
            }

            KeyUsability.Require(row, KeyUsage.Encapsulate);
            KeyUsability.RequirePrimary(row);
            if (key.Limits.TrySpend(KmsOperation.Encapsulate))
            {
                return Of(key, row);
            }

            await key.Limits.Prepare(KmsOperation.Encapsulate, wanted: 1);
        }
    }

    private static Encapsulated Of(KeyActivation key, KeyRow row)
    {
        var version = key.Versions.OpenPublic(row, row.Find(row.PrimaryVersion)!).Require<IEncapsulates>();
        var ciphertext = new byte[version.CiphertextLength];
        using var secret = version.Encapsulate(ciphertext);
        key.Usage.Meter(version.Version).CountVerification(secret.Length, key.Services.Time.GetUtcNow().UtcTicks);
        key.Counters.SaveSoon();
        return new(version.Version, secret.Span.ToArray(), ciphertext);
    }
}
