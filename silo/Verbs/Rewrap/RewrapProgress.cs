using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansKms.Silo.Verbs.Rewrap;

/// <summary>
/// How far a run is. It is on the disk only after the output and the report that it speaks of are, so that whoever goes on cuts both to
/// these lengths and continues the input there: then each record is in the output once.
/// </summary>
internal sealed record RewrapProgress
{
    private const int Format = 1;
    private const int MaxLength = 64 * 1024;

    /// <summary>The options that matter, as text.</summary>
    public required string Meaning { get; init; }

    /// <summary>The report, as seen from the output: no other file is cut to <see cref="Report"/>.</summary>
    public required string ReportFile { get; init; }

    /// <summary>The SHA-256 of the input up to <see cref="Input"/>, in hexadecimal: another input is not gone on with.</summary>
    public required string InputHash { get; init; }

    /// <summary>How many bytes of the input are done.</summary>
    public long Input { get; init; }

    /// <summary>How many lines of it.</summary>
    public long Lines { get; init; }

    /// <summary>How many bytes of the output belong to that.</summary>
    public long Output { get; init; }

    /// <summary>How many bytes of the report.</summary>
    public long Report { get; init; }

    /// <summary>How many ciphertexts were rewrapped.</summary>
    public long Rewrapped { get; init; }

    /// <summary>How many stayed as they were, since they are of the primary version.</summary>
    public long Kept { get; init; }

    /// <summary>How many records have no ciphertext.</summary>
    public long Empty { get; init; }

    /// <summary>How many could not be rewrapped, and stayed as they were.</summary>
    public long Failed { get; init; }

    /// <summary>Whether the output is whole, and only its name may be missing.</summary>
    public bool IsDone { get; init; }

    /// <summary>Writes it as JSON.</summary>
    public byte[] ToBytes() => Encoding.UTF8.GetBytes(new JsonObject
    {
        ["format"] = Format,
        ["meaning"] = Meaning,
        ["report_file"] = ReportFile,
        ["input_sha256"] = InputHash,
        ["input"] = Input,
        ["lines"] = Lines,
        ["output"] = Output,
        ["report"] = Report,
        ["rewrapped"] = Rewrapped,
        ["kept"] = Kept,
        ["empty"] = Empty,
        ["failed"] = Failed,
        ["done"] = IsDone,
    }.ToJsonString() + "\n");

    /// <summary>Reads it.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="VerbException">It is none of this program's.</exception>
    public static RewrapProgress Read(string path)
    {
        try
        {
            if (new FileInfo(path).Length > MaxLength) throw new JsonException();
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            var json = document.RootElement;
            if (json.Number("format") != Format) throw new JsonException();
            return new()
            {
                Meaning = json.Text("meaning") ?? throw new JsonException(),
                ReportFile = json.Text("report_file") ?? throw new JsonException(),
                InputHash = json.Text("input_sha256") ?? throw new JsonException(),
                Input = json.Number("input"),
                Lines = json.Number("lines"),
                Output = json.Number("output"),
                Report = json.Number("report"),
                Rewrapped = json.Number("rewrapped"),
                Kept = json.Number("kept"),
                Empty = json.Number("empty"),
                Failed = json.Number("failed"),
                IsDone = json.Flag("done"),
            };
        }
        catch (Exception e) when (e is JsonException or VerbException)
        {
            throw VerbException.Usage($"{path} is not the progress of a rewrap.", "Choose another --out, or remove it.", e);
        }
    }

    /// <summary>The whole of a run in one line.</summary>
    public string Summary(string report)
    {
        string Count(long count, string what) => count == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {count:N0} {what}");
        return string.Create(CultureInfo.InvariantCulture, $"{Rewrapped:N0} rewrapped")
            + Count(Kept, "kept, which are of the primary version") + Count(Empty, "without a ciphertext") + Count(Failed, $"failed and left as they were (see {report})");
    }
}
