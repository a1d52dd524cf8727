using Microsoft.Extensions.Options;
using Orleans.Configuration;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Sealing;

/// <summary>
/// Seals rows and material under the current KEK and opens them under the one they name. What each is bound to stands in
/// FORMAT.md. It knows nothing of databases.
/// </summary>
internal sealed class RowSealer : IMaterialSealer
{
    private const string ContentPurpose = "okms.row.content";
    private const string MaterialPurpose = "okms.row.material";

    private readonly IKekRing _ring;
    private readonly string _serviceId;
    private readonly NonceSource _nonces;

    /// <summary>Seals for one service.</summary>
    public RowSealer(IKekRing ring, IOptions<ClusterOptions> cluster)
        : this(ring, cluster.Value.ServiceId, NonceSource.System)
    {
    }

    internal RowSealer(IKekRing ring, string serviceId, NonceSource nonces)
    {
        _ring = ring;
        _serviceId = serviceId;
        _nonces = nonces;
    }

    /// <inheritdoc/>
    public WrappedMaterial Wrap(MaterialAddress address, ReadOnlySpan<byte> material) =>
        Wrap(_ring.Current, address, material);

    /// <inheritdoc/>
    public SecretBytes Open(MaterialAddress address, WrappedMaterial wrapped)
    {
        // The read that brought the material has loaded its KEK, since the row's header names the same one.
        var kek = _ring.Find(wrapped.KekId);
        if (kek is null || wrapped.Version != address.Version || wrapped.Sealed.Length < RowLayout.SealOverhead)
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
    /// Seals a row. Material that was wrapped under another KEK than the current one is opened and wrapped again, because all
    /// sections of a row are under the KEK that its header names.
    /// </summary>
    /// <exception cref="KmsException">key_corrupted: the row's material does not open.</exception>
    public byte[] Seal(GrainId grain, string rowName, Row row, ReadOnlySpan<byte> content)
    {
        var kek = _ring.Current;
        var header = new RowHeader(row.IsTombstone ? RowFlags.Tombstone : RowFlags.None, kek.Id, row.Incarnation);
        var materialSection = RowLayout.WriteMaterialSection(UnderKek(kek, grain, row));
        var sealedRow = RowLayout.Write(header, content.Length, materialSection, out var place);
        SealInto(kek, content, sealedRow.AsSpan(place), ContentContext(grain, rowName, header, materialSection));
        return sealedRow;
    }

    /// <summary>Opens a row's content.</summary>
    /// <returns>The content, or null when the row was changed, moved or sealed under another KEK.</returns>
    public byte[]? TryOpenContent(Kek kek, GrainId grain, string rowName, SealedRow row)
    {
        var content = new byte[row.Content.Length - RowLayout.SealOverhead];
        var context = ContentContext(grain, rowName, row.Header, row.MaterialSection.Span);
        return kek.Id == row.Header.KekId && TryOpen(kek, row.Content.Span, content, context) ? content : null;
    }

    private WrappedMaterial? UnderKek(Kek kek, GrainId grain, Row row)
    {
        if (row.Material is not { } material || material.KekId == kek.Id)
        {
            return row.Material;
        }

        var address = new MaterialAddress(grain, row.Incarnation, material.Version);
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

    // The material section is bound too, so that a row does not open with another, older or missing material beside it.
    private AssociatedData ContentContext(
        GrainId grain, string rowName, RowHeader header, ReadOnlySpan<byte> materialSection) =>
        Context(ContentPurpose, grain, header.Incarnation, rowName, header.KekId)
            .Add((byte)header.Flags)
            .Add(materialSection);

    // Material names the row of its version wherever it travels. Its flags are none, because it moves between rows as it is.
    private AssociatedData MaterialContext(MaterialAddress address, KekId kekId) =>
        Context(MaterialPurpose, address.Grain, address.Incarnation, RowNames.KeyVersion(address.Version), kekId)
            .Add((byte)RowFlags.None);

    private AssociatedData Context(string purpose, GrainId grain, Incarnation incarnation, string rowName, KekId kekId) =>
        new AssociatedData()
            .Add(purpose)
            .Add(_serviceId)
            .Add(grain.Type.AsSpan())
            .Add(grain.Key.AsSpan())
            .Add(incarnation)
            .Add(rowName)
            .Add(kekId)
            .Add(RowLayout.Format);
}
