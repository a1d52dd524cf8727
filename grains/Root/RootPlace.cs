using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansKms.Configuration;
using OrleansKms.Files;
using OrleansKms.Grains.Cryptography.Aead;

namespace OrleansKms.Grains.Root;

/// <summary>A place for root keys: a token of an HSM, or a file. Named by a setting, and opened on first use.</summary>
internal abstract class RootPlace : IDisposable
{
    /// <summary>The setting that names the place.</summary>
    public abstract string Setting { get; }

    /// <summary>The place, as recorded with its roots.</summary>
    public abstract string Description { get; }

    /// <summary>The place of the silos' own root.</summary>
    public static RootPlace Own(KmsStorageOptions options, HsmRootStore roots, TimeProvider time, ILoggerFactory loggers) =>
        options.Hsm is { } hsm
            ? new HsmRootPlace(hsm, roots, time, loggers)
            : new FileRootPlace(
                options.RootKeyFile is null ? SettingTable.DataDirectory.Name : SettingTable.RootKeyFile.Name,
                Path.GetFullPath(options.RootKeyFile ?? Path.Combine(options.DataDirectory, "root.key")),
                isHandedIn: options.RootKeyFile is not null);

    /// <summary>The place of another root.</summary>
    public static RootPlace Other(OtherRootOptions options, HsmRootStore roots, TimeProvider time, ILoggerFactory loggers) =>
        options.Hsm is { } hsm
            ? new HsmRootPlace(hsm, roots, time, loggers)
            : new FileRootPlace(SettingTable.OtherRootKeyFile.Name, options.KeyFile!, isHandedIn: true);

    /// <summary>Opens the root that a silo uses here.</summary>
    /// <exception cref="StartRefusedException">There is none, or it cannot be used.</exception>
    public abstract Task<IRootKey> Open(CancellationToken cancellationToken);

    /// <summary>Opens a root here other than a given one.</summary>
    /// <returns>Null when there is none.</returns>
    /// <exception cref="StartRefusedException">The place or the root cannot be used.</exception>
    public abstract Task<IRootKey?> OpenOther(string? except, CancellationToken cancellationToken);

    /// <summary>Opens the root with an id.</summary>
    /// <returns>Null when it is not here.</returns>
    /// <exception cref="StartRefusedException">The place or the root cannot be used.</exception>
    public abstract Task<IRootKey?> Find(string rootId, CancellationToken cancellationToken);

    /// <summary>Generates a root beside the existing ones.</summary>
    /// <param name="unfinished">The id of a root recorded here that may not exist yet; null for a new one.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="StartRefusedException">It cannot be generated.</exception>
    public abstract Task<IRootKey> Make(string? unfinished, CancellationToken cancellationToken);

    /// <summary>Why no root can be generated beside the one that silos use here; null when it can.</summary>
    public abstract string? WhyNoSuccessor { get; }

    /// <summary>
    /// Generates the root that silos are to use here from their next start, or opens the one that an interrupted attempt left.
    /// </summary>
    /// <param name="unfinished">As for <see cref="Make"/>.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public abstract Task<IRootKey> MakeSuccessor(string? unfinished, CancellationToken cancellationToken);

    /// <summary>Makes silos use the successor from now on.</summary>
    /// <param name="current">The id of the root that they used before.</param>
    public abstract void Switch(string current);

    /// <summary>What an operator does so that silos use the successor.</summary>
    public abstract string HowSilosSwitch { get; }

    /// <summary>Destroys the root with an id.</summary>
    /// <returns>False when it is not here.</returns>
    /// <exception cref="StartRefusedException">The place cannot be used, or the root cannot be destroyed.</exception>
    public abstract Task<bool> Destroy(string rootId, CancellationToken cancellationToken);

    /// <inheritdoc/>
    public virtual void Dispose() => GC.SuppressFinalize(this);
}

/// <summary>
/// A root in a file. A successor is generated in a file beside it, and when it takes the file's name the previous one stays in a
/// file named by its id.
/// </summary>
internal sealed class FileRootPlace(string setting, string path, bool isHandedIn) : RootPlace
{
    /// <inheritdoc/>
    public override string Setting => setting;

    /// <inheritdoc/>
    public override string Description => path;

    /// <inheritdoc/>
    public override string? WhyNoSuccessor => isHandedIn
        ? $"{setting}: the root key is handed in, and is not changed here. Put a new one beside it and add it: OKMS_OTHER_ROOT_KEY_FILE and okms root add --create."
        : null;

    private string SuccessorPath => path + ".next";

    /// <inheritdoc/>
    public override Task<IRootKey> Open(CancellationToken cancellationToken) => Open(path, cancellationToken);

    /// <inheritdoc/>
    public override async Task<IRootKey?> OpenOther(string? except, CancellationToken cancellationToken) =>
        File.Exists(path) && await Open(path, cancellationToken) is var root && root.Id != except ? root : null;

    /// <inheritdoc/>
    public override async Task<IRootKey?> Find(string rootId, CancellationToken cancellationToken)
    {
        foreach (var file in Candidates(rootId).Where(File.Exists))
        {
            if (await Open(file, cancellationToken) is var root && root.Id == rootId)
            {
                return root;
            }
        }

        return null;
    }

    /// <inheritdoc/>
    public override Task<IRootKey> Make(string? unfinished, CancellationToken cancellationToken)
    {
        FileRootKey.Make(path);
        return Open(path, cancellationToken);
    }

    /// <inheritdoc/>
    public override Task<IRootKey> MakeSuccessor(string? unfinished, CancellationToken cancellationToken)
    {
        if (!File.Exists(SuccessorPath))
        {
            FileRootKey.Make(SuccessorPath);
        }

        return Open(SuccessorPath, cancellationToken);
    }

    /// <inheritdoc/>
    public override void Switch(string current)
    {
        try
        {
            // First the copy, so that at no moment a start finds no root key, or the old one is nowhere.
            var kept = FileRootKey.KeptPath(path, current);
            if (!File.Exists(kept))
            {
                using var old = new Cryptography.SecretBytes(XAes256Gcm.KeyLength);
                using (var file = PrivateFile.Open(path, isHandedIn ? SecretReaders.Group : SecretReaders.Nobody))
                {
                    RandomAccess.Read(file, old.Span, 0);
                }

                PrivateFile.WriteNew(kept, old.Span);
            }

            PrivateFile.Replace(SuccessorPath, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException(
                $"The new root key {SuccessorPath} wraps all key-encryption keys, but cannot take the name {path}: {e.Message} Run the command again.", e);
        }
    }

    /// <inheritdoc/>
    public override string HowSilosSwitch =>
        $"Silos take it at their next start: bring {path} to each that has a copy of the old one, and restart them one by one. Then:";

    /// <inheritdoc/>
    public override async Task<bool> Destroy(string rootId, CancellationToken cancellationToken)
    {
        var isDestroyed = false;
        foreach (var file in Candidates(rootId).Where(File.Exists))
        {
            if ((await Open(file, cancellationToken)).Id != rootId)
            {
                continue;
            }

            try
            {
                PrivateFile.Erase(file);
                isDestroyed = true;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new StartRefusedException($"The root key {file} cannot be erased: {e.Message}", e);
            }
        }

        return isDestroyed;
    }

    private string[] Candidates(string rootId) =>
        rootId.StartsWith(FileRootKey.Prefix, StringComparison.Ordinal)
            ? [path, FileRootKey.KeptPath(path, rootId), SuccessorPath]
            : [];

    // Without the warning that a silo's start logs.
    private async Task<IRootKey> Open(string file, CancellationToken cancellationToken)
    {
        var root = new FileRootKey(file, isHandedIn, NullLogger<FileRootKey>.Instance);
        await root.Open(mayCreate: false, cancellationToken);
        return root;
    }
}
