using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Providers;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// Reads the public key of a version. It is no secret and whoever has a signature needs it, so it can be read as long as the version
/// exists, whatever its state and that of the key.
/// </summary>
internal static class PublicKeys
{
    public static Task<PublicKeyDescription> Run(KeyActivation key, ReadPublicKey request)
    {
        var call = KeyGate.Enter(KmsOperation.ReadPublicKey, request.Caller) with { Version = request.KeyVersion };
        return key.Gate.Run(
            call,
            async () => Read(await key.Load(), request.KeyVersion, key.Services.Providers),
            isRepeatable: true);
    }

    private static PublicKeyDescription Read(KeyRow row, int? version, KeyProviders providers)
    {
        switch (row.State)
        {
            case KeyState.Destroyed:
                throw KmsError.KeyDestroyed.Exception();
            case KeyState.PendingImport:
                throw KmsError.KeyPendingImport.Exception();
        }

        var entry = row.Find(version ?? row.PrimaryVersion) ?? throw KmsError.NotFound.Exception("The key has no such version.");
        if (entry.State == KeyVersionState.Destroyed)
        {
            throw KmsError.VersionNotUsable.Exception();
        }

        if (entry.PublicKey is not { } publicKey || !KeyAlgorithms.TryFind(row.Spec, out var algorithm))
        {
            throw KmsError.WrongKeyUsage.Exception("The key has no public key.");
        }

        return new(entry.Version, row.Spec, row.Usage, publicKey)
        {
            Algorithms = providers.AlgorithmNames(row.Protection, algorithm, row.Usage) is { Count: > 0 } names ? [.. names] : null,
            Jwk = algorithm.JwkOf(publicKey),
        };
    }
}
