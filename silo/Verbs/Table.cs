namespace OrleansKms.Silo.Verbs;

/// <summary>A table for people, which may come in parts. What is in its cells is cleaned.</summary>
/// <param name="columns">The heads of its columns; none for one column without a head.</param>
internal sealed class Table(params string[] columns)
{
    private readonly int[] _widths = columns.Length == 0 ? [0] : Array.ConvertAll(columns, column => column.Length);
    private bool _hasHead = columns.Length == 0;

    /// <summary>The lines of more rows; the first of all is the head.</summary>
    public IEnumerable<string> Lines(IReadOnlyList<string?[]> rows)
    {
        if (rows.Count == 0) return [];
        var cells = rows.Select(row => Array.ConvertAll(row, cell => TerminalText.Clean(cell ?? "-"))).ToList();
        foreach (var row in cells)
        {
            for (var i = 0; i < row.Length; i++) _widths[i] = Math.Max(_widths[i], row[i].Length);
        }

        if (!_hasHead) cells.Insert(0, columns);
        _hasHead = true;
        return cells.ConvertAll(row => string.Join("  ", row.Select((cell, i) => cell.PadRight(_widths[i]))).TrimEnd());
    }
}
