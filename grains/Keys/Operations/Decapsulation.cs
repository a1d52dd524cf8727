using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// Finds encapsulated secrets; spends a use of the version. The key never rotates for it, not even if that is due: the secret was made for
/// a version that exists, and another one would find another secret without telling.
/// </summary>
internal static class Decapsulation
{
    public static ValueTask<Decapsulated> Run(KeyActivation key, Decapsulate request)
    {
        var call = KeyGate.Enter(KmsOperation.Decapsulate, request.Caller) with { Version = request.KeyVersion };
        return new(key.Gate.Run(call, () => Find(key, request, call.StartedAt), isRepeatable: true));
    }

    private static async Task<Decapsulated> Find(KeyActivation key, Decapsulate request, long startedAt)
    {
        KeyRequestRules.Check(request);
        var row = await key.Load();
        KeyUsability.Require(row, KeyUsage.Encapsulate);
        var number = request.KeyVersion ?? row.PrimaryVersion;
        KeyUsability.RequireVerifies(row, number);
        RequireLength(key, row, number, request.Ciphertext);
        var (version, meter) = await NamedVersion.Spend(key, KeyUsage.Encapsulate, number, KmsOperation.Decapsulate);
        using var secret = version.Require<IDecapsulates>().Decapsulate(request.Ciphertext) ?? throw KmsError.InvalidCiphertext.Exception();
        meter.CountBytes(secret.Length, key.Services.Time.GetUtcNow().UtcTicks);
        key.Counters.SaveSoon();
        KeyInstruments.Took(key.Tag, KmsOperation.Decapsulate, startedAt);
        return new(version.Version, secret.Span.ToArray());
    }

    /// <summary>A ciphertext that can be none does not cost a use.</summary>
    private static void RequireLength(KeyActivation key, KeyRow row, int number, byte[] ciphertext)
    {
        if (ciphertext.Length != key.Versions.OpenPublic(row, row.Find(number)!).Require<IEncapsulates>().CiphertextLength)
        {
            throw KmsError.InvalidCiphertext.Exception();
        }
    }
}
