using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Root;

/// <summary>Opens a wrapped KEK and has it prove that it is the one that it should be.</summary>
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
    /// <param name="wrapped">What the root made of it; null for nothing.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null when the root does not open it, or it is another KEK.</returns>
    public static async Task<SecretBytes?> TryOpen(
        this IRootKey root, KekId id, byte[]? wrapped, CancellationToken cancellationToken)
    {
        if (wrapped is null || await root.Unwrap(id, wrapped, cancellationToken) is not { } kek)
        {
            return null;
        }

        if (kek.Length == XAes256Gcm.KeyLength && IdOf(kek.Span) == id)
        {
            return kek;
        }

        kek.Dispose();
        return null;
    }
}
