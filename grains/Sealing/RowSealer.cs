using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Aead;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Sealing;

/// <summary>
/// Seals rows and material under the current KEK, and opens them under the one they name. FORMAT.md says what each is bound to.
/// Knows nothing of databases.
/// </summary>
internal sealed class RowSealer : IMaterialSealer
{
    private const string ContentPurpose = "okms.row.content";
    private const string MaterialPurpose = "okms.row.material";

    // Material moves between rows unchanged, so it has a format of its own, the same in rows of either format.
    private const byte MaterialFormat = 1;

    private readonly IKekRing _ring;
    private readonly string _serviceId;
    private readonly NonceSource _nonces;
    private readonly Func<byte> _format;

    /// <summary>Makes the sealer of one service.</summary>
    public RowSealer(IKekRing ring, IOptions<ClusterOptions> cluster, IFeatureLevel level)
        : this(ring, cluster.Value.ServiceId, NonceSource.System, () => RowFormats.At(level.Current))
    {
    }

    internal RowSealer(IKekRing ring, string serviceId, NonceSource nonces, Func<byte>? format = null)
    {
        _ring = ring;
        _serviceId = serviceId;
        _nonces = nonces;
        _format = format ?? (() => RowFormats.First);
    }

    /// <inheritdoc/>
    public WrappedMaterial Wrap(MaterialAddress address, ReadOnlySpan<byte> material) =>
        Wrap(_ring.Current, address, material);

    /// <inheritdoc/>
    public SecretBytes Open(MaterialAddress address, WrappedMaterial wrapped)
    {
        // The read that brought the material has loaded its KEK, since the row's header names the same one.
        var kek = _ring.Find(wrapped.KekId) ?? throw new MaterialOutdatedException(wrapped.KekId);
        if (wrapped.Version != address.Version || wrapped.Sealed.Length < RowLayout.SealOverhead)
        {
            throw KmsError.KeyCorrupted.Exception();
        }

        var material = new SecretBytes(wrapped.Sealed.Length - RowLayout.SealOverhead);
        if (!TryOpen(kek, wrapped.Sealed.Span, material.Span, MaterialContext(address, kek.Id)))
        {
            material.Dispose();
            throw KmsError.KeyCorrupted.Exception();
        }

        return material;
    }

    /// <summary>
    /// Seals a row. Material wrapped under another KEK is opened and rewrapped under the current one, because all sections of a
    /// row are under the KEK that its header names.
    /// </summary>
    /// <exception cref="KmsException">key_corrupted: the row's material does not open.</exception>
    /// <exception cref="MaterialOutdatedException">The KEK of the row's material is gone.</exception>
    public byte[] Seal(GrainId grain, string rowName, Row row, ReadOnlySpan<byte> content)
    {
        var kek = _ring.Current;
        var header = new RowHeader(row.IsTombstone ? RowFlags.Tombstone : RowFlags.None, kek.Id, row.Incarnation, _format());
        var material = UnderKek(kek, grain, row.Incarnation, row.Material);
        return header.Format == RowFormats.First
            ? SealText(kek, grain, rowName, header, material, content)
            : SealText(kek, grain, rowName, header, material, ContentEncoding.Encode(content, row.MayCompress));
    }

    /// <summary>Opens a row's content.</summary>
    /// <returns>The content, or null when the row was changed, moved or sealed under another KEK.</returns>
    public byte[]? TryOpenContent(Kek kek, GrainId grain, string rowName, SealedRow row) =>
        TryOpenText(kek, grain, rowName, row) is not { } text ? null
        : row.Header.Format == RowFormats.First ? text
        : ContentEncoding.TryDecode(text);

    /// <summary>
    /// Reseals a row under the current KEK: otherwise the same row, format included, so that whatever could read it before still
    /// can.
    /// </summary>
    /// <returns>Null when the row does not open.</returns>
    public byte[]? TryReseal(GrainId grain, string rowName, SealedRow row)
    {
        if (_ring.Find(row.Header.KekId) is not { } from || TryOpenText(from, grain, rowName, row) is not { } text)
        {
            return null;
        }

        try
        {
            var kek = _ring.Current;
            return SealText(
                kek, grain, rowName, row.Header with { KekId = kek.Id },
                UnderKek(kek, grain, row.Header.Incarnation, row.Material), text);
        }
        catch (KmsException e) when (e.Error == KmsError.KeyCorrupted)
        {
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
        }
    }

    private byte[] SealText(
        Kek kek, GrainId grain, string rowName, RowHeader header, WrappedMaterial? material, ReadOnlySpan<byte> text)
    {
        var materialSection = RowLayout.WriteMaterialSection(material);
        var sealedRow = RowLayout.Write(header, text.Length, materialSection, out var place);
        SealInto(kek, text, sealedRow.AsSpan(place), ContentContext(grain, rowName, header, materialSection));
        return sealedRow;
    }

    private byte[]? TryOpenText(Kek kek, GrainId grain, string rowName, SealedRow row)
    {
        var text = new byte[row.Content.Length - RowLayout.SealOverhead];
        var context = ContentContext(grain, rowName, row.Header, row.MaterialSection.Span);
        return kek.Id == row.Header.KekId && TryOpen(kek, row.Content.Span, text, context) ? text : null;
    }

    private WrappedMaterial? UnderKek(Kek kek, GrainId grain, Incarnation incarnation, WrappedMaterial? material)
    {
        if (material is null || material.KekId == kek.Id)
        {
            return material;
        }

        var address = new MaterialAddress(grain, incarnation, material.Version);
        using var opened = Open(address, material);
        return Wrap(kek, address, opened.Span);
    }

    private WrappedMaterial Wrap(Kek kek, MaterialAddress address, ReadOnlySpan<byte> material)
    {
        var wrapped = new byte[RowLayout.SealOverhead + material.Length];
        SealInto(kek, material, wrapped, MaterialContext(address, kek.Id));
        return new WrappedMaterial(address.Version, kek.Id, wrapped);
    }

    private void SealInto(Kek kek, ReadOnlySpan<byte> text, Span<byte> target, AssociatedData context)
    {
        var nonce = target[..XAes256Gcm.NonceLength];
        _nonces.Next(nonce);
        kek.Cipher.Encrypt(
            nonce, text, target[XAes256Gcm.NonceLength..^XAes256Gcm.TagLength], target[^XAes256Gcm.TagLength..], context.Span);
    }

    private static bool TryOpen(Kek kek, ReadOnlySpan<byte> sealedText, Span<byte> text, AssociatedData context) =>
        kek.Cipher.TryDecrypt(
            sealedText[..XAes256Gcm.NonceLength], sealedText[XAes256Gcm.NonceLength..^XAes256Gcm.TagLength],
            sealedText[^XAes256Gcm.TagLength..], text, context.Span);

    // The material section is bound too, so that a row does not open with another material, an older one, or none.
    private AssociatedData ContentContext(
        GrainId grain, string rowName, RowHeader header, ReadOnlySpan<byte> materialSection) =>
        Context(ContentPurpose, grain, header.Incarnation, rowName, header.KekId, header.Format)
            .Add((byte)header.Flags)
            .Add(materialSection);

    // Material is bound to the row of its version wherever it travels. Its flags are zero, because it moves between rows
    // unchanged.
    private AssociatedData MaterialContext(MaterialAddress address, KekId kekId) =>
        Context(MaterialPurpose, address.Grain, address.Incarnation, RowNames.KeyVersion(address.Version), kekId, MaterialFormat)
            .Add((byte)RowFlags.None);

    private AssociatedData Context(
        string purpose, GrainId grain, Incarnation incarnation, string rowName, KekId kekId, byte format) =>
        new AssociatedData()
            .Add(purpose)
            .Add(_serviceId)
            .Add(grain.Type.AsSpan())
            .Add(grain.Key.AsSpan())
            .Add(incarnation)
            .Add(rowName)
            .Add(kekId)
            .Add(format);
}
