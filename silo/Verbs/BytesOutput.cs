using System.CommandLine;

namespace OrleansKms.Silo.Verbs;

/// <summary>Where a verb's bytes go, and in which form: <c>--out</c> changes the place alone.</summary>
internal sealed class BytesOutput
{
    private readonly bool _isBase64;
    private readonly Option<string?> _file;
    private readonly Option<bool> _other;

    private BytesOutput(VerbContext context, bool isBase64, Option<bool> other)
    {
        _file = Verb.NewFile(context, "--out", "Writes to a new file that only you may read, instead of standard output.");
        (_isBase64, _other) = (isBase64, other);
    }

    /// <summary>The options.</summary>
    public Symbol[] Options => [_file, _other];

    /// <summary>Base64 in a line, or bytes with <c>--binary</c>.</summary>
    public static BytesOutput Base64(VerbContext context) => new(context, true, Verb.Switch("--binary", "Writes the bytes themselves instead of base64."));

    /// <summary>Bytes, or base64 in a line with <c>--base64</c>.</summary>
    public static BytesOutput Raw(VerbContext context) => new(context, false, Verb.Switch("--base64", "Writes base64 instead of the bytes themselves."));

    /// <summary>Writes the bytes.</summary>
    /// <exception cref="VerbException">The file exists, or the terminal would not show them.</exception>
    public async Task Write(VerbRun run, byte[] bytes)
    {
        var asText = _isBase64 != run.Get(_other);
        if (run.Get(_file) is { } path)
        {
            run.Output.File(path, asText ? System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String(bytes) + "\n") : bytes);
            await run.Say($"Written to {path}.");
        }
        else if (asText) await run.Output.Line(Convert.ToBase64String(bytes));
        else await run.Output.Bytes(bytes);
    }
}
