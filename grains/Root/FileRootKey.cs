using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using OrleansKms.Files;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Aead;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Root;

/// <summary>
/// A root key in a file: 32 random bytes, readable only by the owner. Anyone who copies the file and the database can open every
/// key, so it is for development and small installations.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="isHandedIn">
/// Whether the platform supplies the file. Then it is never generated here, where every silo would make another one, and its
/// group may read it, since a platform's secret belongs to root and reaches the process through its group.
/// </param>
/// <param name="logger">For the warning that the root key is a file.</param>
internal sealed partial class FileRootKey(string path, bool isHandedIn, ILogger<FileRootKey> logger) : IRootKey
{
    /// <summary>The prefix of the ids of roots in files.</summary>
    public const string Prefix = "file:";

    private const byte Format = 1;
    private const int Overhead = 1 + RowLayout.SealOverhead;
    private const string WrapPurpose = "okms.kek.wrap";

    private string? _id;

    /// <inheritdoc/>
    public string Id => _id ?? throw NotOpen();

    /// <inheritdoc/>
    public Task Open(bool mayCreate, CancellationToken cancellationToken)
    {
        if (_id is not null)
        {
            return Task.CompletedTask;
        }

        if (!File.Exists(path))
        {
            if (isHandedIn)
            {
                throw new StartRefusedException($"The root key {path} is missing. A root key that is supplied from outside is "
                    + "not generated here.");
            }

            if (!mayCreate)
            {
                throw new StartRefusedException(
                    $"The root key {path} is missing, but the database has keys that a root key wrapped. Restore it; every "
                        + "silo of a cluster needs the same one.");
            }

            PrivateFile.PrepareDirectory(Path.GetDirectoryName(path)!);
            Make(path);
        }

        using var root = Read(path);
        _id = IdOf(root);
        WarnOfFileRoot(path);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<byte[]> Wrap(KekId id, SecretBytes kek, CancellationToken cancellationToken)
    {
        var wrapped = new byte[Overhead + kek.Length];
        wrapped[0] = Format;
        var nonce = wrapped.AsSpan(1, XAes256Gcm.NonceLength);
        NonceSource.System.Next(nonce);
        using var cipher = OpenCipher();
        cipher.Encrypt(
            nonce, kek.Span, wrapped.AsSpan(1 + XAes256Gcm.NonceLength, kek.Length),
            wrapped.AsSpan(wrapped.Length - XAes256Gcm.TagLength), Context(id).Span);
        return Task.FromResult(wrapped);
    }

    /// <inheritdoc/>
    public Task<SecretBytes?> Unwrap(KekId id, ReadOnlyMemory<byte> wrapped, CancellationToken cancellationToken)
    {
        var bytes = wrapped.Span;
        if (bytes.Length <= Overhead || bytes[0] != Format)
        {
            return Task.FromResult<SecretBytes?>(null);
        }

        var kek = new SecretBytes(bytes.Length - Overhead);
        using var cipher = OpenCipher();
        if (cipher.TryDecrypt(
            bytes.Slice(1, XAes256Gcm.NonceLength), bytes.Slice(1 + XAes256Gcm.NonceLength, kek.Length),
            bytes[^XAes256Gcm.TagLength..], kek.Span, Context(id).Span))
        {
            return Task.FromResult<SecretBytes?>(kek);
        }

        kek.Dispose();
        return Task.FromResult<SecretBytes?>(null);
    }

    /// <inheritdoc/>
    public Task<byte[]> Authenticate(ReadOnlyMemory<byte> manifest, CancellationToken cancellationToken)
    {
        using var root = ReadOpened();
        return Task.FromResult(Mac(root, manifest.Span));
    }

    /// <inheritdoc/>
    public Task<bool> IsAuthentic(ReadOnlyMemory<byte> manifest, ReadOnlyMemory<byte> mac, CancellationToken cancellationToken)
    {
        using var root = ReadOpened();
        return Task.FromResult(CryptographicOperations.FixedTimeEquals(Mac(root, manifest.Span), mac.Span));
    }

    // A derived key, so that the root key serves only one algorithm.
    private byte[] Mac(SecretBytes root, ReadOnlySpan<byte> manifest)
    {
        using var key = new SecretBytes(HMACSHA256.HashSizeInBytes);
        HKDF.DeriveKey(HashAlgorithmName.SHA256, root.Span, key.Span, salt: [], info: "okms.ring.manifest.mac.v1"u8);
        return HMACSHA256.HashData(key.Span, RingManifest.Bound(Id, manifest));
    }

    private XAes256Gcm OpenCipher()
    {
        using var root = ReadOpened();
        return new XAes256Gcm(root.Span);
    }

    // The root key is in memory only while it is used, a few moments in months: whoever reads the memory of a running silo finds
    // KEKs, but not the key that opens every backup.
    private SecretBytes ReadOpened()
    {
        try
        {
            // After a change of root the file holds the next root key, and this one is beside it.
            foreach (var file in new[] { path, KeptPath(path, Id) }.Where(File.Exists))
            {
                var root = Read(file);
                if (IdOf(root) == Id)
                {
                    return root;
                }

                root.Dispose();
            }
        }
        catch (StartRefusedException e)
        {
            throw new IOException(e.Message, e);
        }

        throw new IOException($"The root key {path} was replaced after the start.");
    }

    /// <summary>The path that keeps a root key after another one has replaced it.</summary>
    /// <param name="path">The file that held both in turn.</param>
    /// <param name="rootId">Its id, which may come from an operator: only its hexadecimal digits become part of the path.</param>
    public static string KeptPath(string path, string rootId) => Path.Combine(
        Path.GetDirectoryName(path)!, $"root-{string.Concat(rootId[Prefix.Length..].Where(char.IsAsciiHexDigitLower))}.key");

    private static string IdOf(SecretBytes root) =>
        Prefix + Convert.ToHexStringLower(HMACSHA256.HashData(root.Span, "okms.root.id.v1"u8)[..16]);

    private AssociatedData Context(KekId id) => new AssociatedData().Add(WrapPurpose).Add(Id).Add(id).Add(Format);

    /// <summary>Generates a root key in a new file, in an existing directory.</summary>
    /// <exception cref="StartRefusedException">The file cannot be created.</exception>
    public static void Make(string path)
    {
        using var root = SecretBytes.Random(XAes256Gcm.KeyLength);
        try
        {
            PrivateFile.WriteNew(path, root.Span);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"The root key {path} cannot be created: {e.Message}", e);
        }
    }

    private SecretBytes Read(string file)
    {
        var root = new SecretBytes(XAes256Gcm.KeyLength);
        try
        {
            using var handle = PrivateFile.Open(file, isHandedIn ? SecretReaders.Group : SecretReaders.Nobody);
            if (RandomAccess.GetLength(handle) == root.Length && RandomAccess.Read(handle, root.Span, 0) == root.Length)
            {
                return root;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            root.Dispose();
            throw new StartRefusedException($"The root key {file} cannot be read: {e.Message}", e);
        }
        catch
        {
            root.Dispose();
            throw;
        }

        root.Dispose();
        throw new StartRefusedException($"The file {file} is not a root key: it must have exactly {XAes256Gcm.KeyLength} bytes.");
    }

    private static InvalidOperationException NotOpen() => new("The root key is not open yet.");

    [LoggerMessage(Level = LogLevel.Warning, Message =
        "THE ROOT KEY IS A FILE ({Path}). Anyone who copies it and the database can open every key. For development only; use "
            + "an HSM in production.")]
    private partial void WarnOfFileRoot(string path);
}
