using System.Globalization;

namespace OrleansKms.Grains.Audit.Transparency;

/// <summary>A log's size and root: c2sp.org/tlog-checkpoint. It is signed as a <see cref="SignedNote"/>.</summary>
/// <param name="Origin">The log's name, which is also its key's name.</param>
/// <param name="Size">The number of entries.</param>
/// <param name="Root">The root of their tree.</param>
internal sealed record Checkpoint(string Origin, long Size, TreeHash Root)
{
    /// <summary>The text to sign.</summary>
    public string ToText() => string.Create(CultureInfo.InvariantCulture, $"{Origin}\n{Size}\n{Root}\n");

    /// <summary>Parses a checkpoint; null if the text is not one. Extension lines are permitted and ignored.</summary>
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

    /// <summary>Parses a checkpoint signed by the log's key.</summary>
    /// <returns>Null if it is not a checkpoint, is another log's, or its signature does not verify.</returns>
    public static Checkpoint? Open(SignedNote? note, NoteVerifier log) =>
        note is not null && log.Verify(note) is not null && Parse(note.Text) is { } checkpoint && checkpoint.Origin == log.Name ? checkpoint : null;
}
