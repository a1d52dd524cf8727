namespace OrleansKms.Silo.Verbs.Rewrap;

/// <summary>What <c>rewrap</c> was told.</summary>
internal sealed record RewrapOptions
{
    /// <summary>The file with the ciphertexts, which is only read. Absolute, like the other paths.</summary>
    public required string Input { get; init; }

    /// <summary>The file to make.</summary>
    public required string Output { get; init; }

    /// <summary>The file for what failed.</summary>
    public required string Report { get; init; }

    /// <summary>How the input is written.</summary>
    public required RecordFormat Format { get; init; }

    /// <summary>Everything that decides what is made of a record, as text: a run goes on only with what it began with.</summary>
    public required string Meaning { get; init; }

    /// <summary>The key of all ciphertexts; null where the record or the ciphertext names it.</summary>
    public string? Key { get; init; }

    /// <summary>The associated data of all ciphertexts, where no field holds it.</summary>
    public byte[]? AssociatedData { get; init; }

    /// <summary>Whether ciphertexts of the primary version stay as they are.</summary>
    public bool KeepsPrimary { get; init; }

    /// <summary>How many records one call has at most.</summary>
    public int Batch { get; init; } = KmsLimits.BatchItems;

    /// <summary>How many calls are under way at once.</summary>
    public int Concurrency { get; init; } = 4;

    /// <summary>After how many records the work so far is put on the disk, so that a kill does not undo it.</summary>
    public int Checkpoint { get; init; } = 10_000;

    /// <summary>How long the service may be without an answer before the run ends, to go on later.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Whether an output that exists is replaced at the end.</summary>
    public bool Replaces { get; init; }

    /// <summary>Whether an unfinished run is thrown away instead of going on with it.</summary>
    public bool Restarts { get; init; }

    /// <summary>The output while it is unfinished.</summary>
    public string Part => Output + ".part";

    /// <summary>How far an unfinished run is.</summary>
    public string Progress => Output + ".progress";

    /// <summary>The same while it is written.</summary>
    public string NextProgress => Progress + ".tmp";

    /// <summary>The report as seen from the output, beside which it stays if both are moved.</summary>
    public string ReportFile => Path.GetRelativePath(Path.GetDirectoryName(Output)!, Report);
}
