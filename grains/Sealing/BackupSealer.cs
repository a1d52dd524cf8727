using Microsoft.Extensions.Options;
using Orleans.Configuration;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Aead;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Sealing;

/// <summary>
/// Seals backups of keys under the current KEK, and opens them under the one they name. Keys/Backups/FORMAT.md specifies the bytes and what
/// they are bound to. Nothing but the header is looked at before it is authentic.
/// </summary>
internal sealed class BackupSealer
{
    private const string Purpose = "okms.key.backup";

    private readonly IKekRing _ring;
    private readonly string _serviceId;
    private readonly NonceSource _nonces;

    /// <summary>Makes the sealer of one service.</summary>
    public BackupSealer(IKekRing ring, IOptions<ClusterOptions> cluster)
        : this(ring, cluster.Value.ServiceId, NonceSource.System)
    {
    }

    internal BackupSealer(IKekRing ring, string serviceId, NonceSource nonces) => (_ring, _serviceId, _nonces) = (ring, serviceId, nonces);

    /// <summary>How many bytes longer than its content the backup of a key is.</summary>
    public static int Overhead(string keyId) => BackupHeader.FixedLength + keyId.Length + RowLayout.SealOverhead;

    /// <summary>Seals the content of a backup.</summary>
    /// <param name="grain">The key's grain.</param>
    /// <param name="incarnation">The key's incarnation.</param>
    /// <param name="content">The content.</param>
    /// <exception cref="KmsException">unavailable: the KEKs of this installation have no manifest yet.</exception>
    public byte[] Seal(GrainId grain, Incarnation incarnation, ReadOnlySpan<byte> content)
    {
        var kek = _ring.Current;
        var keyId = grain.Key.AsSpan();
        var start = BackupHeader.FixedLength + keyId.Length;
        var backup = new byte[start + RowLayout.SealOverhead + content.Length];
        BackupHeader.Mark.CopyTo(backup);
        backup[BackupHeader.KekIdAt - 1] = BackupHeader.Format;
        kek.Id.Write(backup.AsSpan(BackupHeader.KekIdAt));
        incarnation.Write(backup.AsSpan(BackupHeader.IncarnationAt));
        backup[BackupHeader.FixedLength - 1] = (byte)keyId.Length;
        keyId.CopyTo(backup.AsSpan(BackupHeader.FixedLength));
        var sealedContent = backup.AsSpan(start);
        var nonce = sealedContent[..XAes256Gcm.NonceLength];
        _nonces.Next(nonce);
        kek.Cipher.Encrypt(
            nonce, content, sealedContent[XAes256Gcm.NonceLength..^XAes256Gcm.TagLength], sealedContent[^XAes256Gcm.TagLength..],
            Context(grain, incarnation, kek.Id).Span);
        return backup;
    }

    /// <summary>Opens a backup of a key.</summary>
    /// <param name="grain">The key's grain.</param>
    /// <param name="backup">Any bytes.</param>
    /// <returns>The content, which the caller disposes; null for anything but a backup of this key by this installation.</returns>
    /// <exception cref="KmsException">invalid_parameter: its KEK is not there; unavailable, as for <see cref="Seal"/>.</exception>
    /// <exception cref="StorageFailedException">The database did not answer.</exception>
    public async Task<SecretBytes?> TryOpen(GrainId grain, ReadOnlyMemory<byte> backup)
    {
        if (!BackupHeader.TryRead(backup.Span, out var header) || header.KeyId != grain.Key.ToString()
            || backup.Length < header.Length + RowLayout.SealOverhead)
        {
            return null;
        }

        var kekId = KekId.Read(backup.Span[BackupHeader.KekIdAt..]);
        var kek = _ring.Find(kekId) ?? await Reload(kekId)
            ?? throw KmsError.InvalidParameter.Exception(
                $"This installation does not have the key-encryption key {kekId}, which the backup names: it was destroyed, or the backup is not of this installation.");
        return TryOpen(kek, grain, backup.Span, header);
    }

    private SecretBytes? TryOpen(Kek kek, GrainId grain, ReadOnlySpan<byte> backup, BackupHeader header)
    {
        var sealedContent = backup[header.Length..];
        var content = new SecretBytes(sealedContent.Length - RowLayout.SealOverhead);
        var context = Context(grain, Incarnation.Read(backup[BackupHeader.IncarnationAt..]), kek.Id);
        if (kek.Cipher.TryDecrypt(
            sealedContent[..XAes256Gcm.NonceLength], sealedContent[XAes256Gcm.NonceLength..^XAes256Gcm.TagLength],
            sealedContent[^XAes256Gcm.TagLength..], content.Span, context.Span))
        {
            return content;
        }

        content.Dispose();
        return null;
    }

    private async Task<Kek?> Reload(KekId id)
    {
        try
        {
            return await _ring.Reload(id, CancellationToken.None);
        }
        catch (Exception e)
        {
            throw new StorageFailedException("A read of the KEKs failed.", outcomeUnknown: false, e);
        }
    }

    private AssociatedData Context(GrainId grain, Incarnation incarnation, KekId kekId)
    {
        // Made within seconds once the cluster's level has been raised.
        var installation = _ring.Installation;
        if (installation.IsEmpty)
        {
            throw KmsError.Unavailable.Exception("The root key does not vouch for the key-encryption keys yet; try again in a few seconds.");
        }

        return new AssociatedData()
            .Add(Purpose)
            .Add(_serviceId)
            .Add(installation.Span)
            .Add(grain.Type.AsSpan())
            .Add(grain.Key.AsSpan())
            .Add(incarnation)
            .Add(kekId)
            .Add(BackupHeader.Format);
    }
}
