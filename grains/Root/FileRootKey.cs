using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Root;

/// <summary>
/// A root key in a file: 32 random bytes, readable by the owner only. Whoever copies the file and the database opens every
/// key, so it is for development and small installs.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="isHandedIn">
/// Whether the platform puts the file there: it is then never made here, where every silo would make another, and its group
/// may read it, since a platform's secret belongs to root and reaches the process by its group.
/// </param>
/// <param name="logger">For the warning that the root key is a file.</param>
internal sealed partial class FileRootKey(string path, bool isHandedIn, ILogger<FileRootKey> logger) : IRootKey, IDisposable
{
    /// <summary>What the id of a root in a file begins with.</summary>
    public const string Prefix = "file:";

    private const byte Format = 1;
    private const int WrappedLength = 1 + RowLayout.SealOverhead + XAes256Gcm.KeyLength;
    private const string WrapPurpose = "okms.kek.wrap";

    private XAes256Gcm? _cipher;
    private string? _id;

    /// <inheritdoc/>
    public string Id => _id ?? throw NotOpen();

    /// <inheritdoc/>
    public Task Open(bool mayCreate, CancellationToken cancellationToken)
    {
        if (_cipher is not null)
        {
            return Task.CompletedTask;
        }

        if (!File.Exists(path))
        {
            if (isHandedIn)
            {
                throw new StartRefusedException($"The root key {path} is missing, and a root key that is handed in is not made here.");
            }

            if (!mayCreate)
            {
                throw new StartRefusedException(
                    $"The root key {path} is missing, but the database holds keys that a root key wrapped. Put it back; every silo of a cluster needs the same one.");
            }

            PrivateFiles.PrepareDirectory(Path.GetDirectoryName(path)!);
            Make(path);
        }

        using var root = Read();
        _id = Prefix + Convert.ToHexStringLower(HMACSHA256.HashData(root.Span, "okms.root.id.v1"u8)[..16]);
        _cipher = new XAes256Gcm(root.Span);
        WarnOfFileRoot(path);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<byte[]> Wrap(KekId id, SecretBytes kek, CancellationToken cancellationToken)
    {
        var wrapped = new byte[WrappedLength];
        wrapped[0] = Format;
        var nonce = wrapped.AsSpan(1, XAes256Gcm.NonceLength);
        NonceSource.System.Next(nonce);
        Cipher.Encrypt(
            nonce, kek.Span, wrapped.AsSpan(1 + XAes256Gcm.NonceLength, XAes256Gcm.KeyLength),
            wrapped.AsSpan(WrappedLength - XAes256Gcm.TagLength), Context(id).Span);
        return Task.FromResult(wrapped);
    }

    /// <inheritdoc/>
    public Task<SecretBytes?> Unwrap(KekId id, ReadOnlyMemory<byte> wrapped, CancellationToken cancellationToken)
    {
        var bytes = wrapped.Span;
        if (bytes.Length != WrappedLength || bytes[0] != Format)
        {
            return Task.FromResult<SecretBytes?>(null);
        }

        var kek = new SecretBytes(XAes256Gcm.KeyLength);
        if (Cipher.TryDecrypt(
            bytes.Slice(1, XAes256Gcm.NonceLength), bytes.Slice(1 + XAes256Gcm.NonceLength, XAes256Gcm.KeyLength),
            bytes[^XAes256Gcm.TagLength..], kek.Span, Context(id).Span))
        {
            return Task.FromResult<SecretBytes?>(kek);
        }

        kek.Dispose();
        return Task.FromResult<SecretBytes?>(null);
    }

    /// <inheritdoc/>
    public void Dispose() => _cipher?.Dispose();

    private XAes256Gcm Cipher => _cipher ?? throw NotOpen();

    private AssociatedData Context(KekId id) => new AssociatedData().Add(WrapPurpose).Add(Id).Add(id).Add(Format);

    /// <summary>Makes a root key in a new file, in a directory that is there.</summary>
    /// <exception cref="StartRefusedException">It cannot be made.</exception>
    public static void Make(string path)
    {
        using var root = SecretBytes.Random(XAes256Gcm.KeyLength);
        try
        {
            PrivateFiles.WriteNew(path, root.Span);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"The root key {path} cannot be made: {e.Message}", e);
        }
    }

    private SecretBytes Read()
    {
        var root = new SecretBytes(XAes256Gcm.KeyLength);
        try
        {
            PrivateFiles.RequirePrivate(path, groupMayRead: isHandedIn);
            using var file = File.OpenHandle(path);
            if (RandomAccess.GetLength(file) == root.Length && RandomAccess.Read(file, root.Span, 0) == root.Length)
            {
                return root;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            root.Dispose();
            throw new StartRefusedException($"The root key {path} cannot be read: {e.Message}", e);
        }
        catch
        {
            root.Dispose();
            throw;
        }

        root.Dispose();
        throw new StartRefusedException($"The root key {path} is not one: it must have exactly {XAes256Gcm.KeyLength} bytes.");
    }

    private static InvalidOperationException NotOpen() => new("The root key is not open yet.");

    [LoggerMessage(Level = LogLevel.Warning, Message =
        "THE ROOT KEY IS A FILE ({Path}). Whoever copies it and the database opens every key. For development only; use an HSM in production.")]
    private partial void WarnOfFileRoot(string path);
}
