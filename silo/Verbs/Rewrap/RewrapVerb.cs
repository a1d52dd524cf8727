using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using OrleansKms.Silo.Verbs.Files;

namespace OrleansKms.Silo.Verbs.Rewrap;

/// <summary>
/// <c>rewrap</c>: moves the ciphertexts of a file to the primary versions of their keys, in a file of its own. The plaintexts stay in the
/// service.
/// </summary>
internal sealed class RewrapVerb
{
    private const int MaxConcurrency = 64;

    private readonly Argument<string> _file = new("FILE") { Description = "The file with the ciphertexts. It is only read." };
    private readonly Option<bool> _toPrimary = new("--to-primary") { Description = "Rewraps under the primary version of each ciphertext's key: what there is to do.", Required = true };
    private readonly Option<string> _output = new("--out") { HelpName = "FILE", Description = "The file to make: every line of the input, with new ciphertexts.", Required = true };
    private readonly Option<string?> _format = Verb.Text("--format", "FORMAT", "jsonl, csv or tsv. By default by the file's name: .csv, .tsv, or else jsonl.");
    private readonly Option<string> _field = new("--field") { HelpName = "NAME", DefaultValueFactory = _ => "ciphertext", Description = "The field or column with the ciphertext in base64; /a/b is b within a." };
    private readonly Option<string?> _aadField = Verb.Text("--aad-field", "NAME", "The field or column with the associated data in base64.");
    private readonly Option<bool> _aadIsText = Verb.Switch("--aad-text", "That field holds the associated data as text, and not in base64.");
    private readonly Option<string?> _aad = Verb.Text("--aad", "VALUE", $"The associated data of all ciphertexts ({VerbInput.Forms}).");
    private readonly Option<string?> _keyField = Verb.Text("--key-field", "NAME", "The field or column that names the key. By default the ciphertext does.");
    private readonly Option<string?> _key = Verb.Text("--key", "KEY", "The key of all ciphertexts: its id, or alias: and a name.");
    private readonly Option<bool> _keep = Verb.Switch("--keep-primary", "Leaves ciphertexts of the primary version as they are. Needs keys:describe.");
    private readonly Option<string?> _report = Verb.Text("--report", "FILE", "What failed and why, as JSON lines. By default the output's name and .failed.jsonl; without failures there is none.");
    private readonly Option<int> _batch = Number("--batch", KmsLimits.BatchItems, "How many ciphertexts one call has at most.");
    private readonly Option<int> _concurrency = Number("--concurrency", 4, "How many calls are under way at once.");
    private readonly Option<int> _checkpoint = Number("--checkpoint", 10_000, "After how many lines the work so far is put on the disk.");
    private readonly Option<int> _patience = Number("--patience", 600, "For how many seconds to try again while the service does not answer or is busy.");
    private readonly Option<bool> _restart = Verb.Switch("--restart", "Throws away what an unfinished run of this output has left, instead of going on with it.");
    private readonly Option<bool> _force = Verb.Switch("--force", "Replaces the output if it exists, at the end.");

    /// <summary>The verb.</summary>
    public static Command Command(VerbContext context)
    {
        var verb = new RewrapVerb();
        return Verb.Of(
            context, "rewrap", "",
            [
                verb._file, verb._toPrimary, verb._output, verb._format, verb._field, verb._aadField, verb._aadIsText, verb._aad, verb._keyField, verb._key, verb._keep, verb._report,
                verb._batch, verb._concurrency, verb._checkpoint, verb._patience, verb._restart, verb._force,
            ],
            verb.Run);
    }

    private async Task<int> Run(VerbRun run)
    {
        if (!run.Get(_toPrimary)) throw VerbException.Usage("--to-primary is what there is to do.");
        var options = await Read(run);
        try
        {
            return RewrapFiles.FinishKilled(options) is { } finished ? await Report(run, options, finished, isResumed: true) : await Run(run, options);
        }
        catch (UnauthorizedAccessException e)
        {
            throw VerbException.Usage($"A file cannot be used: {e.Message}", inner: e);
        }
    }

    private static async Task<int> Run(VerbRun run, RewrapOptions options)
    {
        using var files = RewrapFiles.Open(options);
        if (files.IsResumed) await run.Say(FormattableString.Invariant($"Going on after line {files.Progress.Lines}."));
        using (var bar = ProgressBar.Of(run.Context, files.InputLength))
        {
            var job = new RewrapJob(options, files, run.Service.Send, run.Context.Time);
            try
            {
                await job.Run(() => bar.Show(files.Progress.Input, files.Progress.Failed > 0 ? FormattableString.Invariant($"{files.Progress.Failed} failed") : ""), run.Cancellation);
            }
            catch (VerbException e) when (e.ExitCode != ExitCode.Usage)
            {
                throw new VerbException(
                    e.Code, e.Message, e.ExitCode, FormattableString.Invariant($"{files.Progress.Lines} lines are done: to go on, run the same command again."), e);
            }
        }

        return await Report(run, options, files.Progress, files.IsResumed);
    }

    private static async Task<int> Report(VerbRun run, RewrapOptions options, RewrapProgress done, bool isResumed)
    {
        if (run.IsJson)
        {
            await run.Output.Json(Encoding.UTF8.GetBytes(new JsonObject
            {
                ["output"] = options.Output,
                ["lines"] = done.Lines,
                ["rewrapped"] = done.Rewrapped,
                ["kept"] = done.Kept,
                ["empty"] = done.Empty,
                ["failed"] = done.Failed,
                ["report"] = done.Failed > 0 ? options.Report : null,
                ["resumed"] = isResumed,
            }.ToJsonString()));
        }
        else
        {
            await run.Output.Line($"{options.Output}: {done.Summary(options.Report)}");
        }

        return done.Failed > 0 ? ExitCode.Part : ExitCode.Done;
    }

    private async Task<RewrapOptions> Read(VerbRun run)
    {
        var (input, output) = (run.Context.PathOf(run.Require(_file)), run.Context.PathOf(run.Get(_output)!));
        var names = new FieldNames(run.Get(_field)!, run.Get(_aadField), run.Get(_keyField), run.Get(_aadIsText));
        if (names.AssociatedData is not null && run.Get(_aad) is not null) throw VerbException.Usage("--aad and --aad-field exclude each other.");
        if (names.AssociatedData is null && names.AssociatedDataIsText) throw VerbException.Usage("--aad-text needs --aad-field.");
        if (names.Key is not null && run.Get(_key) is not null) throw VerbException.Usage("--key and --key-field exclude each other.");
        if (run.Get(_key) is { } key && !RewrapRecord.IsKey(key)) throw VerbException.Usage($"--key {key} is neither an id nor {KeyId.AliasPrefix} and a name.");
        var format = run.Get(_format) ?? (input.EndsWith(".csv", StringComparison.OrdinalIgnoreCase) ? "csv" : input.EndsWith(".tsv", StringComparison.OrdinalIgnoreCase) ? "tsv" : "jsonl");
        var associatedData = await VerbInput.Optional(run.Context, run.Get(_aad), KmsLimits.AssociatedDataBytes);
        return new()
        {
            Input = input,
            Output = output,
            Report = run.Get(_report) is { } report ? run.Context.PathOf(report) : output + ".failed.jsonl",
            Format = format switch
            {
                "jsonl" => new JsonLinesFormat(names),
                "csv" => new CsvFormat(names),
                "tsv" => new TsvFormat(names),
                _ => throw VerbException.Usage($"{format} is no format.", "There are jsonl, csv and tsv."),
            },
            Meaning = MeaningOf(run, format, names, associatedData),
            Key = run.Get(_key),
            AssociatedData = associatedData,
            KeepsPrimary = run.Get(_keep),
            Batch = Range(run, _batch, KmsLimits.BatchItems),
            Concurrency = Range(run, _concurrency, MaxConcurrency),
            Checkpoint = Range(run, _checkpoint, int.MaxValue),
            Patience = TimeSpan.FromSeconds(Range(run, _patience, int.MaxValue)),
            Replaces = run.Get(_force),
            Restarts = run.Get(_restart),
        };
    }

    // What differs here would make other records of the rest than of the beginning.
    private string MeaningOf(VerbRun run, string format, FieldNames names, byte[]? associatedData)
    {
        var meaning = new StringBuilder($"--to-primary --format {format} --field {names.Ciphertext}");
        void Add(string name, string? value)
        {
            if (value is not null) meaning.Append(' ').Append(name).Append(' ').Append(value);
        }

        Add(_aadField.Name, names.AssociatedData);
        if (names.AssociatedDataIsText) meaning.Append(' ').Append(_aadIsText.Name);
        Add(_aad.Name, associatedData is null ? null : "base64:" + Convert.ToBase64String(associatedData));
        Add(_keyField.Name, names.Key);
        Add(_key.Name, run.Get(_key));
        if (run.Get(_keep)) meaning.Append(' ').Append(_keep.Name);
        return meaning.ToString();
    }

    private static Option<int> Number(string name, int value, string description) => new(name) { HelpName = "N", DefaultValueFactory = _ => value, Description = description };

    private static int Range(VerbRun run, Option<int> option, int max) =>
        run.Get(option) is var value && value >= 1 && value <= max ? value : throw VerbException.Usage(FormattableString.Invariant($"{option.Name} is 1 to {max}."));
}
