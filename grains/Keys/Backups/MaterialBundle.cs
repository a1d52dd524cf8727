using System.Buffers.Binary;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Grains.Keys.Backups;

/// <summary>What is kept of one version: its material.</summary>
/// <param name="Version">The version.</param>
/// <param name="Kept">What its provider keeps.</param>
internal readonly record struct KeptMaterial(int Version, SecretBytes Kept);

/// <summary>The material of many versions in one secret, in the order of versions. FORMAT.md specifies the bytes.</summary>
internal sealed class MaterialBundle : IDisposable
{
    private const int Prefix = sizeof(int);
    private const int EntryPrefix = 2 * sizeof(int);
    // No spec has less.
    private const int MinMaterial = 16;

    private readonly SecretBytes _bytes;
    private readonly SortedList<int, Range> _places;

    private MaterialBundle(SecretBytes bytes, SortedList<int, Range> places) => (_bytes, _places, Versions) = (bytes, places, [.. places.Keys]);

    /// <summary>The versions, in order.</summary>
    public IReadOnlyList<int> Versions { get; }

    /// <summary>The whole, as it is sealed.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.Span;

    /// <summary>How many bytes a bundle has at least.</summary>
    /// <param name="versions">The number of versions.</param>
    public static int LeastLength(int versions) => Prefix + (versions * (EntryPrefix + MinMaterial));

    /// <summary>Copies material into a bundle.</summary>
    /// <param name="material">The material, in the order of versions; its owner disposes it.</param>
    public static MaterialBundle Of(IReadOnlyCollection<KeptMaterial> material)
    {
        var bytes = new SecretBytes(Prefix + material.Sum(m => EntryPrefix + m.Kept.Length));
        BinaryPrimitives.WriteInt32BigEndian(bytes.Span, material.Count);
        var at = Prefix;
        foreach (var (version, kept) in material)
        {
            BinaryPrimitives.WriteInt32BigEndian(bytes.Span[at..], version);
            BinaryPrimitives.WriteInt32BigEndian(bytes.Span[(at + sizeof(int))..], kept.Length);
            kept.Span.CopyTo(bytes.Span[(at + EntryPrefix)..]);
            at += EntryPrefix + kept.Length;
        }

        return new(bytes, Parse(bytes.Span) ?? throw new InvalidOperationException("internal error: the versions are not in order."));
    }

    /// <summary>Copies a bundle.</summary>
    /// <returns>Null for anything but exactly one bundle.</returns>
    public static MaterialBundle? TryRead(ReadOnlySpan<byte> bytes) =>
        Parse(bytes) is { } places ? new(SecretBytes.CopyOf(bytes), places) : null;

    /// <summary>The material of one of its versions.</summary>
    public ReadOnlySpan<byte> Of(int version) => _bytes.Span[_places[version]];

    /// <summary>Zeroes the material.</summary>
    public void Dispose() => _bytes.Dispose();

    private static SortedList<int, Range>? Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Prefix || BinaryPrimitives.ReadInt32BigEndian(bytes) is var count && (count < 0 || count > bytes.Length / EntryPrefix))
        {
            return null;
        }

        var places = new SortedList<int, Range>(count);
        var (at, last) = (Prefix, 0);
        for (; count > 0; count--)
        {
            if (bytes.Length - at < EntryPrefix)
            {
                return null;
            }

            var version = BinaryPrimitives.ReadInt32BigEndian(bytes[at..]);
            var length = BinaryPrimitives.ReadInt32BigEndian(bytes[(at + sizeof(int))..]);
            at += EntryPrefix;
            if (version <= last || length < 1 || length > bytes.Length - at)
            {
                return null;
            }

            places.Add(version, at..(at + length));
            (at, last) = (at + length, version);
        }

        return at == bytes.Length ? places : null;
    }
}
