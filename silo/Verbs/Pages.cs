using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace OrleansKms.Silo.Verbs;

/// <summary>
/// Lists of the service, which come in pages: all of them, or so many items. With <c>--json</c> they are one answer in the form of a page.
/// </summary>
internal sealed class Pages
{
    private const int PageItems = KmsLimits.PageItems;

    private readonly Option<int?> _limit = Verb.Number("--limit", "N", "Lists N at most. Where there are more, the output says how to go on.");
    private readonly Option<string?> _cursor = Verb.Text("--cursor", "CURSOR", "Goes on where a list before ended.");
    private readonly int? _default;

    /// <summary>The options of a list.</summary>
    /// <param name="limit">How many items it lists unless told otherwise; null for all.</param>
    public Pages(int? limit = null)
    {
        _default = limit;
        if (limit is { } items) _limit.DefaultValueFactory = _ => items;
    }

    /// <summary>The options.</summary>
    public Symbol[] Options => [_limit, _cursor];

    /// <summary>Lists.</summary>
    /// <param name="run">The run.</param>
    /// <param name="path">The list's path.</param>
    /// <param name="query">Its parameters, besides those of pages.</param>
    /// <param name="field">The field of the answer that has the items.</param>
    /// <param name="columns">The columns of the table for people; none for a column without a head.</param>
    /// <param name="row">The cells of an item.</param>
    /// <param name="filter">Leaves items out, also of the JSON.</param>
    /// <param name="pageItems">How many items to ask for at once.</param>
    /// <returns>The other fields of the last page.</returns>
    public async Task<JsonElement> List(
        VerbRun run, string path, (string, string?)[] query, string field, string[] columns, Func<JsonElement, string?[]> row,
        Func<JsonElement, bool>? filter = null, int pageItems = PageItems)
    {
        var (left, cursor) = (run.Get(_limit) ?? _default ?? int.MaxValue, run.Get(_cursor));
        if (left < 1) throw VerbException.Usage("--limit is 1 or more.");
        using var json = run.IsJson ? new JsonList(run, field) : null;
        var table = new Table(columns);
        while (true)
        {
            var limit = Math.Min(left, pageItems).ToString(CultureInfo.InvariantCulture);
            var answer = await run.Ask(ServiceCall.Get(ServiceCall.WithQuery(path, [.. query, ("limit", limit), ("cursor", cursor)])));
            var items = answer.Json.List(field).ToList();
            cursor = answer.Json.Text("next_cursor");
            var shown = items.Where(item => filter is null || filter(item)).ToList();
            left -= shown.Count;
            if (json is not null) await json.Add(shown);
            else await run.Output.Lines(table.Lines([.. shown.Select(row)]));
            if (cursor is not null && left > 0 && !run.Context.OutputIsClosed) continue;
            if (json is not null) await json.End(answer.Json);
            else if (cursor is not null && left <= 0) await run.Say($"There are more: go on with --cursor {cursor}");
            return answer.Json;
        }
    }

    /// <summary>Writes one object with all items, while they come.</summary>
    private sealed class JsonList : IDisposable
    {
        private readonly VerbRun _run;
        private readonly string _field;
        private readonly MemoryStream _buffer = new();
        private readonly Utf8JsonWriter _writer;

        public JsonList(VerbRun run, string field)
        {
            (_run, _field) = (run, field);
            _writer = new(_buffer, new() { Indented = run.Context.OutputIsTerminal, NewLine = "\n" });
            _writer.WriteStartObject();
            _writer.WriteStartArray(field);
        }

        public Task Add(List<JsonElement> items)
        {
            foreach (var item in items) item.WriteTo(_writer);
            return Flush();
        }

        public async Task End(JsonElement page)
        {
            _writer.WriteEndArray();
            foreach (var field in page.EnumerateObject())
            {
                if (field.Name != _field) field.WriteTo(_writer);
            }

            _writer.WriteEndObject();
            await Flush();
            await _run.Context.Output.WriteAsync("\n"u8.ToArray());
        }

        public void Dispose() => _writer.Dispose();

        private async Task Flush()
        {
            await _writer.FlushAsync();
            await _run.Context.Output.WriteAsync(_buffer.GetBuffer().AsMemory(0, (int)_buffer.Length));
            _buffer.SetLength(0);
        }
    }
}
