using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Lifecycle;

/// <summary>What a key and its versions may be used for now. Pure functions of the row, each of which throws what forbids it.</summary>
internal static class KeyUsability
{
    /// <summary>The key may be used, and for this.</summary>
    /// <param name="row">The key.</param>
    /// <param name="usage">What it is to be used for.</param>
    /// <exception cref="KmsException">The error of the key's state; wrong_key_usage.</exception>
    public static void Require(KeyRow row, KeyUsage usage)
    {
        KeyLifecycle.RequireUsable(row.State);
        if (row.Usage != usage)
        {
            throw KmsError.WrongKeyUsage.Exception();
        }
    }

    /// <summary>The primary version may be used.</summary>
    /// <param name="row">The key, which may be used.</param>
    /// <exception cref="KmsException">version_not_usable.</exception>
    public static void RequirePrimary(KeyRow row)
    {
        if (!IsEnabled(row, row.PrimaryVersion))
        {
            throw KmsError.VersionNotUsable.Exception("The primary version is disabled or destroyed; rotate the key.");
        }
    }

    /// <summary>What a version has just encrypted may leave: the key and the version may still be used.</summary>
    /// <param name="row">The key.</param>
    /// <param name="version">The version.</param>
    /// <exception cref="KmsException">The error of the key's state; version_not_usable.</exception>
    public static void RequireVersion(KeyRow row, int version)
    {
        KeyLifecycle.RequireUsable(row.State);
        if (!IsEnabled(row, version))
        {
            throw KmsError.VersionNotUsable.Exception();
        }
    }

    /// <summary>A version may decrypt.</summary>
    /// <param name="row">The key.</param>
    /// <param name="version">The number that a ciphertext names; any.</param>
    /// <exception cref="KmsException">The error of the key's state; wrong_key_usage; invalid_ciphertext; version_not_usable.</exception>
    public static void RequireDecrypts(KeyRow row, int version)
    {
        Require(row, KeyUsage.EncryptDecrypt);
        var entry = row.Find(version) ?? throw KmsError.InvalidCiphertext.Exception();
        if (entry.State != KeyVersionState.Enabled || version < row.MinDecryptVersion)
        {
            throw KmsError.VersionNotUsable.Exception();
        }
    }

    /// <summary>A key that cannot make a version by itself encrypts under none that was made before a restore.</summary>
    /// <param name="row">The key.</param>
    /// <param name="epoch">The restore epoch.</param>
    /// <exception cref="KmsException">key_pending_import.</exception>
    public static void RequireImportSinceRestore(KeyRow row, RestoreEpoch epoch)
    {
        if (row.Epoch < epoch.Number && row.Origin == KeyOrigin.External)
        {
            throw KmsError.KeyPendingImport.Exception(
                "The database was restored from a backup; the key decrypts, and encrypts again once a new version is imported.");
        }
    }

    /// <summary>Whether a version may be used, as far as the version is concerned.</summary>
    /// <param name="row">The key.</param>
    /// <param name="version">Any number.</param>
    public static bool IsEnabled(KeyRow row, int version) => row.Find(version) is { State: KeyVersionState.Enabled };
}
