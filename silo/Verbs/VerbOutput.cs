using System.Text;
using System.Text.Json;
using OrleansKms.Files;

namespace OrleansKms.Silo.Verbs;

/// <summary>What a verb prints: JSON, lines and tables for people, or bytes.</summary>
internal sealed class VerbOutput(VerbContext context)
{
    private static readonly JsonWriterOptions _readable = new() { Indented = true, NewLine = "\n" };

    /// <summary>Prints JSON: byte for byte as it came; to a terminal readably, and with everything escaped that could move its cursor.</summary>
    public async Task Json(ReadOnlyMemory<byte> json)
    {
        if (json.IsEmpty) return;
        if (context.OutputIsTerminal)
        {
            var readable = new MemoryStream();
            using (var document = JsonDocument.Parse(json))
            using (var writer = new Utf8JsonWriter(readable, _readable))
            {
                document.WriteTo(writer);
            }

            json = readable.ToArray();
        }

        await context.Output.WriteAsync(json);
        await context.Output.WriteAsync("\n"u8.ToArray());
    }

    /// <summary>Prints a line, cleaned.</summary>
    public Task Line(string text) => Write(TerminalText.Clean(text) + "\n");

    /// <summary>Prints lines, each cleaned.</summary>
    public Task Lines(IEnumerable<string> lines) => Write(string.Concat(lines.Select(line => TerminalText.Clean(line) + "\n")));

    /// <summary>Prints names and values; those without a value are left out.</summary>
    public Task Fields(params (string Name, string? Value)[] fields)
    {
        var given = fields.Where(field => !string.IsNullOrEmpty(field.Value)).ToList();
        if (given.Count == 0) return Task.CompletedTask;
        var width = given.Max(field => field.Name.Length) + 2;
        return Lines(given.Select(field => field.Name.PadRight(width) + field.Value));
    }

    /// <summary>Prints a table. Without rows nothing is printed, so that a script counts none.</summary>
    public Task Table(string[] columns, IReadOnlyList<string?[]> rows) => Lines(new Table(columns).Lines(rows));

    /// <summary>Writes bytes as they are. A terminal gets none that it would not show as text.</summary>
    /// <exception cref="VerbException">They are for no terminal.</exception>
    public async Task Bytes(ReadOnlyMemory<byte> bytes)
    {
        if (context.OutputIsTerminal)
        {
            if (!TerminalText.IsText(bytes.Span)) throw VerbException.Usage("The output is not text, and is not written to a terminal.", "Write it to a file with --out FILE, or into a pipe.");
            if (!bytes.Span.EndsWith("\n"u8)) bytes = (byte[])[.. bytes.Span, (byte)'\n'];
        }

        await context.Output.WriteAsync(bytes);
    }

    /// <summary>Writes a new file that only its owner may read, whole or not at all.</summary>
    /// <exception cref="VerbException">It exists already, or cannot be written.</exception>
    public void File(string path, ReadOnlySpan<byte> bytes)
    {
        var full = context.PathOf(path);
        try
        {
            if (PrivateFile.TryWriteNew(full, bytes)) return;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw VerbException.Usage($"The file {path} cannot be written: {ServiceConnection.Reason(e)}.", inner: e);
        }

        throw VerbException.Usage($"The file {path} exists already, and is not overwritten.");
    }

    private async Task Write(string text) => await context.Output.WriteAsync(Encoding.UTF8.GetBytes(text));
}
