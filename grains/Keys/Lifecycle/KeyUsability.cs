using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Lifecycle;

/// <summary>
/// What a key and its versions can be used for now. Pure functions of the row; each throws the error that forbids it.
/// </summary>
internal static class KeyUsability
{
    /// <summary>Requires that the key can be used, and for this usage.</summary>
    /// <param name="row">The key.</param>
    /// <param name="usage">The usage.</param>
    /// <exception cref="KmsException">The error of the key's state; wrong_key_usage.</exception>
    public static void Require(KeyRow row, KeyUsage usage)
    {
        KeyLifecycle.RequireUsable(row.State);
        if (row.Usage != usage)
        {
            throw KmsError.WrongKeyUsage.Exception();
        }
    }

    /// <summary>Requires that the primary version can be used.</summary>
    /// <param name="row">The key, which can be used.</param>
    /// <exception cref="KmsException">version_not_usable.</exception>
    public static void RequirePrimary(KeyRow row)
    {
        if (!IsEnabled(row, row.PrimaryVersion))
        {
            throw KmsError.VersionNotUsable.Exception("The primary version is disabled or destroyed; rotate the key.");
        }
    }

    /// <summary>Requires that what a version has just encrypted may leave: the key and the version can still be used.</summary>
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

    /// <summary>Requires that a version may decrypt.</summary>
    /// <param name="row">The key.</param>
    /// <param name="version">The number in a ciphertext; any.</param>
    /// <exception cref="KmsException">The error of the key's state; wrong_key_usage; invalid_ciphertext; version_not_usable.</exception>
    public static void RequireDecrypts(KeyRow row, int version)
    {
        Require(row, KeyUsage.EncryptDecrypt);
        var entry = row.Find(version) ?? throw KmsError.InvalidCiphertext.Exception();
        if (entry.State != KeyVersionState.Enabled || version < row.MinDecryptVersion)
        {
            throw KmsError.VersionNotUsable.Exception();
        }

        RequireMaterial(row, version);
    }

    /// <summary>
    /// Requires that the primary version can do what spends its uses: a public key alone encrypts and does nothing else. (To verify and to
    /// encapsulate spends none.)
    /// </summary>
    /// <param name="row">The key, whose primary version can be used.</param>
    /// <exception cref="KmsException">wrong_key_usage.</exception>
    public static void RequirePrimarySpends(KeyRow row)
    {
        if (row.Usage != KeyUsage.EncryptDecrypt)
        {
            RequireMaterial(row, row.PrimaryVersion);
        }
    }

    /// <summary>Requires that a version is more than a public key.</summary>
    /// <param name="row">The key.</param>
    /// <param name="version">One of its versions.</param>
    /// <exception cref="KmsException">wrong_key_usage.</exception>
    public static void RequireMaterial(KeyRow row, int version)
    {
        if (row.Find(version) is { IsPublicOnly: true })
        {
            throw KmsError.WrongKeyUsage.Exception("The version is a public key alone, without the private one.");
        }
    }

    /// <summary>Requires that a version's material may leave.</summary>
    /// <param name="row">The key.</param>
    /// <param name="version">Any number.</param>
    /// <exception cref="KmsException">The error of the key's state; not_exportable; not_found, version_not_usable; wrong_key_usage.</exception>
    public static void RequireExports(KeyRow row, int version)
    {
        KeyLifecycle.RequireUsable(row.State);
        if (!row.Exportable || row.Protection == KeyProtection.Hsm)
        {
            throw KmsError.NotExportable.Exception();
        }

        RequireVerifies(row, version);
        RequireMaterial(row, version);
    }

    /// <summary>Whether a key encrypts with a public key, which its row has, and decrypts with the private one.</summary>
    /// <param name="row">The key.</param>
    public static bool EncryptsByPublicKey(KeyRow row) =>
        row.Usage == KeyUsage.EncryptDecrypt && row.Find(row.PrimaryVersion) is { PublicKey: not null };

    /// <summary>Requires that a version may verify.</summary>
    /// <param name="row">The key, which can be used.</param>
    /// <param name="version">The number in a request; any.</param>
    /// <exception cref="KmsException">not_found, version_not_usable.</exception>
    public static void RequireVerifies(KeyRow row, int version)
    {
        var entry = row.Find(version) ?? throw KmsError.NotFound.Exception("The key has no such version.");
        if (!Verifies(row, entry))
        {
            throw KmsError.VersionNotUsable.Exception();
        }
    }

    /// <summary>Whether a version may verify.</summary>
    /// <param name="row">The key.</param>
    /// <param name="version">One of its versions.</param>
    public static bool Verifies(KeyRow row, KeyVersionEntry version) =>
        version.State == KeyVersionState.Enabled && version.Version >= row.MinDecryptVersion;

    /// <summary>
    /// Requires that the primary version was made since the last restore, for a key that cannot make a version by itself.
    /// </summary>
    /// <param name="row">The key.</param>
    /// <param name="epoch">The restore epoch.</param>
    /// <exception cref="KmsException">key_pending_import.</exception>
    public static void RequireImportSinceRestore(KeyRow row, RestoreEpoch epoch)
    {
        if (row.Epoch < epoch.Number && row.Origin == KeyOrigin.External)
        {
            throw KmsError.KeyPendingImport.Exception(
                "The database was restored from a backup. The key still decrypts; to encrypt, import a new version.");
        }
    }

    /// <summary>Whether a version can be used, as far as its own state goes.</summary>
    /// <param name="row">The key.</param>
    /// <param name="version">Any number.</param>
    public static bool IsEnabled(KeyRow row, int version) => row.Find(version) is { State: KeyVersionState.Enabled };
}
