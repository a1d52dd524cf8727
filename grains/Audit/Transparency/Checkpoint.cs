using System.Globalization;

namespace OrleansKms.Grains.Audit.Transparency;

/// <summary>How many entries a log has and what their root is: c2sp.org/tlog-checkpoint. Signed, it stands in a <see cref="SignedNote"/>.</summary>
/// <param name="Origin">The log's name, which is its key's name, too.</param>
/// <param name="Size">How many entries.</param>
/// <param name="Root">The root of their tree.</param>
internal sealed record Checkpoint(string Origin, long Size, TreeHash Root)
{
    /// <summary>The text that is signed.</summary>
    public string ToText() => string.Create(CultureInfo.InvariantCulture, $"{Origin}\n{Size}\n{Root}\n");

    /// <summary>Reads a text; null where it is not a checkpoint's. Lines of extensions are allowed and mean nothing.</summary>
    public static Checkpoint? Parse(string text)
    {
        var lines = text.Split('\n');
        return lines.Length >= 4 && lines[^1].Length == 0 && lines[..^1].All(line => line.Length > 0)
            && long.TryParse(lines[1], NumberStyles.None, CultureInfo.InvariantCulture, out var size)
            && size.ToString(CultureInfo.InvariantCulture) == lines[1]
            && TreeHash.TryParse(lines[2], out var root)
            && (size > 0 || root == TreeHash.Empty)
            ? new(lines[0], size, root)
            : null;
    }

    /// <summary>Reads a checkpoint that the log's key signed.</summary>
    /// <returns>Null where it is none, of another log, or where the signature does not verify.</returns>
    public static Checkpoint? Open(SignedNote? note, NoteVerifier log) =>
        note is not null && log.Verify(note) is not null && Parse(note.Text) is { } checkpoint && checkpoint.Origin == log.Name ? checkpoint : null;
}
