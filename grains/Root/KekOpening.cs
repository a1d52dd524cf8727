using System.Buffers.Binary;
using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Aead;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Root;

/// <summary>
/// Where a KEK was first listed. It is wrapped with the KEK, so that opening the KEK exposes a manifest that is older than it, or
/// missing.
/// </summary>
/// <param name="Installation">The manifest's installation.</param>
/// <param name="Generation">The first manifest that lists the KEK.</param>
internal readonly record struct KekBirth(InstallationId Installation, long Generation)
{
    /// <summary>Length in bytes.</summary>
    public const int Length = InstallationId.Length + sizeof(long);

    /// <summary>A KEK with this birth, to be wrapped; the caller disposes it.</summary>
    public SecretBytes With(ReadOnlySpan<byte> kek)
    {
        var wrapped = new SecretBytes(XAes256Gcm.KeyLength + Length);
        kek.CopyTo(wrapped.Span);
        Installation.Write(wrapped.Span[XAes256Gcm.KeyLength..]);
        BinaryPrimitives.WriteInt64BigEndian(wrapped.Span[(XAes256Gcm.KeyLength + InstallationId.Length)..], Generation);
        return wrapped;
    }
}

/// <summary>An opened KEK as it was wrapped: with its birth, or without if it was wrapped before there was a manifest.</summary>
internal sealed class OpenedKek(SecretBytes wrapped) : IDisposable
{
    /// <summary>The wrapped content.</summary>
    public SecretBytes Wrapped => wrapped;

    /// <summary>The KEK.</summary>
    public ReadOnlySpan<byte> Key => wrapped.Span[..XAes256Gcm.KeyLength];

    /// <summary>Where it was first listed; null if it was wrapped before there was a manifest.</summary>
    public KekBirth? Birth => wrapped.Length == XAes256Gcm.KeyLength ? null : new(
        InstallationId.Read(wrapped.Span[XAes256Gcm.KeyLength..]),
        BinaryPrimitives.ReadInt64BigEndian(wrapped.Span[(XAes256Gcm.KeyLength + InstallationId.Length)..]));

    /// <inheritdoc/>
    public void Dispose() => wrapped.Dispose();
}

/// <summary>Opens a wrapped KEK and makes it prove its identity.</summary>
internal static class KekOpening
{
    /// <summary>The id that a KEK must have.</summary>
    public static KekId IdOf(ReadOnlySpan<byte> kek)
    {
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(kek, "okms.kek.id.v1"u8, mac);
        return KekId.Read(mac[..KekId.Length]);
    }

    /// <summary>Opens a KEK; the caller disposes it.</summary>
    /// <param name="root">The root.</param>
    /// <param name="id">The id that the KEK must prove.</param>
    /// <param name="wrapped">The wrap by the root; null for none.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>Null when the root does not open it, or it is another KEK.</returns>
    public static async Task<OpenedKek?> TryOpen(
        this IRootKey root, KekId id, byte[]? wrapped, CancellationToken cancellationToken)
    {
        if (wrapped is null || await root.Unwrap(id, wrapped, cancellationToken) is not { } bytes)
        {
            return null;
        }

        // By their lengths alone neither form passes for the other, nor for anything else that a root makes (FORMAT.md), even
        // where the root's mechanism binds no purpose.
        if (bytes.Length is XAes256Gcm.KeyLength or XAes256Gcm.KeyLength + KekBirth.Length
            && IdOf(bytes.Span[..XAes256Gcm.KeyLength]) == id)
        {
            return new(bytes);
        }

        bytes.Dispose();
        return null;
    }
}
