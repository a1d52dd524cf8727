using System.Globalization;
using System.Text;

namespace OrleansKms.Grains.Audit.Transparency;

/// <summary>
/// Proves, without any other entry, that a log contains an entry: c2sp.org/tlog-proof. The entry itself is in the extra data line; it is
/// trusted only because its hash leads to the signed root.
/// </summary>
/// <param name="Index">The entry's index, from 0.</param>
/// <param name="Entry">The entry.</param>
/// <param name="Path">The hashes from the entry to the root.</param>
/// <param name="Checkpoint">The signed checkpoint.</param>
internal sealed record LogProof(long Index, byte[] Entry, IReadOnlyList<TreeHash> Path, SignedNote Checkpoint)
{
    private const string Header = "c2sp.org/tlog-proof@v1";
    private const string Extra = "extra ";
    private const string IndexName = "index ";
    private const int MaxPath = 63;
    private const int MaxLength = 512 * 1024;

    /// <summary>Parses a proof; null if the bytes are not a proof that includes its entry.</summary>
    public static LogProof? Parse(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf("\n\n"u8);
        if (end < 0 || bytes.Length > MaxLength || !Ascii.IsValid(bytes[..end]) || SignedNote.Parse(bytes[(end + 2)..]) is not { } checkpoint)
        {
            return null;
        }

        var lines = Encoding.ASCII.GetString(bytes[..end]).Split('\n');
        if (lines.Length is < 3 or > 3 + MaxPath || lines[0] != Header || EntryOf(lines[1]) is not { } entry
            || !lines[2].StartsWith(IndexName, StringComparison.Ordinal)
            || !long.TryParse(lines[2][IndexName.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var index))
        {
            return null;
        }

        var path = new List<TreeHash>();
        foreach (var line in lines[3..])
        {
            if (!TreeHash.TryParse(line, out var hash))
            {
                return null;
            }

            path.Add(hash);
        }

        return new(index, entry, path, checkpoint);
    }

    /// <summary>Whether the log with this key contains the entry.</summary>
    public bool Verifies(NoteVerifier log) =>
        Transparency.Checkpoint.Open(Checkpoint, log) is { } head
        && MerkleTree.IsIncluded(TreeHash.OfLeaf(Entry), Index, head.Size, head.Root, Path);

    /// <summary>The proof's bytes.</summary>
    public byte[] ToBytes() => Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"{Header}\n{Extra}{Convert.ToBase64String(Entry)}\n{IndexName}{Index}\n{string.Concat(Path.Select(hash => hash + "\n"))}\n{Checkpoint}"));

    private static byte[]? EntryOf(string line)
    {
        var text = line.StartsWith(Extra, StringComparison.Ordinal) ? line[Extra.Length..] : "";
        var bytes = new byte[text.Length];
        return text.Length > 0 && Convert.TryFromBase64String(text, bytes, out var length) ? bytes[..length] : null;
    }
}
