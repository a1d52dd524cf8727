using System.Buffers.Binary;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Root;

/// <summary>Where a KEK is in its life, according to the manifest.</summary>
internal enum RingState : byte
{
    /// <summary>Nothing is sealed under it yet.</summary>
    New = 1,

    /// <summary>New rows are sealed under it.</summary>
    Current = 2,

    /// <summary>Another one is current; rows under it are still opened.</summary>
    Superseded = 3,
}

/// <summary>
/// Which KEKs there are, and which of them is current: as the tables say, but under a MAC of the root key, so that nobody can
/// make silos seal under a KEK by writing to tables. FORMAT.md is the specification.
/// </summary>
/// <param name="Installation">A random value made with the first manifest, the same in all that follow.</param>
/// <param name="Epoch">The restore epoch in which it was made.</param>
/// <param name="Generation">Rises by one with each change, 1 or more, across restore epochs.</param>
/// <param name="Keks">Every KEK; exactly one is the current one.</param>
internal sealed record RingManifest(InstallationId Installation, int Epoch, long Generation, IReadOnlyDictionary<KekId, RingState> Keks)
{
    /// <summary>The prefix of everything that a root authenticates, so that nothing else passes for a manifest.</summary>
    public const string Purpose = "okms.ring.manifest";

    private const byte Format = 1;
    private const int HeaderLength = 1 + InstallationId.Length + sizeof(int) + sizeof(long) + sizeof(short);
    private const int EntryLength = KekId.Length + 1;

    /// <summary>The KEK that new rows are sealed under.</summary>
    public KekId Current { get; } = Keks.Single(k => k.Value == RingState.Current).Key;

    /// <summary>The first manifest of an installation.</summary>
    public static RingManifest First(int epoch, IReadOnlyDictionary<KekId, RingState> keks) =>
        new(InstallationId.New(), epoch, 1, keks);

    /// <summary>The next manifest, with a new KEK.</summary>
    public RingManifest WithNew(KekId id) => Next(keks => keks.Add(id, RingState.New));

    /// <summary>The next manifest, with a new KEK as the current one.</summary>
    /// <exception cref="KmsException">conflict: the KEK is not a new one.</exception>
    public RingManifest WithCurrent(KekId id) => Keks.GetValueOrDefault(id) == RingState.New
        ? Next(keks => (keks[Current], keks[id]) = (RingState.Superseded, RingState.Current))
        : throw KmsError.Conflict.Exception("Only a new KEK can become the current one.");

    /// <summary>The next manifest, without a KEK.</summary>
    /// <exception cref="KmsException">conflict: it is the current one.</exception>
    public RingManifest Without(KekId id) => id != Current
        ? Next(keks => keks.Remove(id))
        : throw KmsError.Conflict.Exception("This KEK is the current one; rotate first.");

    /// <summary>The next manifest, in a later restore epoch.</summary>
    public RingManifest InEpoch(int epoch) => Next(_ => { }) with { Epoch = epoch };

    /// <summary>Why this manifest may not follow another one that a silo has seen; null when it may.</summary>
    public string? WhyNotAfter(RingManifest known) =>
        Installation != known.Installation ? "the manifest of the KEKs is that of another installation"
        : (Epoch, Generation).CompareTo((known.Epoch, known.Generation)) <= 0
            ? $"the manifest of the KEKs is an older one: generation {Generation}, and this silo has seen {known.Generation}"
        : known.Keks.GetValueOrDefault(Current) == RingState.Superseded
            ? $"the manifest goes back to the KEK {Current}, which was superseded"
        : null;

    /// <summary>Writes it.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[HeaderLength + (EntryLength * Keks.Count)];
        bytes[0] = Format;
        Installation.Write(bytes.AsSpan(1));
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(17), Epoch);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(21), Generation);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(29), checked((ushort)Keks.Count));
        var entry = bytes.AsSpan(HeaderLength);
        foreach (var (id, state) in Keks.OrderBy(k => (k.Key.High, k.Key.Low)))
        {
            id.Write(entry);
            entry[KekId.Length] = (byte)state;
            entry = entry[EntryLength..];
        }

        return bytes;
    }

    /// <summary>Parses one.</summary>
    /// <returns>Null for anything that <see cref="ToBytes"/> does not write.</returns>
    public static RingManifest? TryRead(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeaderLength || bytes[0] != Format
            || bytes.Length != HeaderLength + (EntryLength * BinaryPrimitives.ReadUInt16BigEndian(bytes[29..])))
        {
            return null;
        }

        var keks = new Dictionary<KekId, RingState>();
        for (var entry = bytes[HeaderLength..]; !entry.IsEmpty; entry = entry[EntryLength..])
        {
            if (entry[KekId.Length] is < (byte)RingState.New or > (byte)RingState.Superseded
                || !keks.TryAdd(KekId.Read(entry[..KekId.Length]), (RingState)entry[KekId.Length]))
            {
                return null;
            }
        }

        var (epoch, generation) = (BinaryPrimitives.ReadInt32BigEndian(bytes[17..]), BinaryPrimitives.ReadInt64BigEndian(bytes[21..]));
        if (epoch < 0 || generation < 1 || keks.Count(k => k.Value == RingState.Current) != 1)
        {
            return null;
        }

        // A manifest has one form, so the order of its KEKs reveals nothing.
        var manifest = new RingManifest(InstallationId.Read(bytes[1..]), epoch, generation, keks);
        return manifest.ToBytes().AsSpan().SequenceEqual(bytes) ? manifest : null;
    }

    /// <summary>What a root authenticates: the manifest, bound to the purpose and to the root.</summary>
    public static ReadOnlySpan<byte> Bound(string rootId, ReadOnlySpan<byte> manifest) =>
        new AssociatedData().Add(Purpose).Add(rootId).Add(manifest).Span;

    private RingManifest Next(Action<Dictionary<KekId, RingState>> change)
    {
        var keks = new Dictionary<KekId, RingState>(Keks);
        change(keks);
        return new(Installation, Epoch, Generation + 1, keks);
    }
}
