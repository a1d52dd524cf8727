namespace OrleansKms.Silo.Verbs.Rewrap;

/// <summary>A record of the input, and what became of it.</summary>
/// <param name="line">The number of its first line.</param>
/// <param name="bytes">The record with its line end.</param>
internal sealed class RewrapRecord(long line, byte[] bytes)
{
    /// <summary>The number of its first line, from 1.</summary>
    public long Line { get; } = line;

    /// <summary>The number of its last line: another one where a field holds line breaks.</summary>
    public long LastLine => Line + Bytes.AsSpan(..^1).Count((byte)'\n');

    /// <summary>The record as it was.</summary>
    public byte[] Bytes { get; } = bytes;

    /// <summary>What is in it.</summary>
    public RecordFields Fields { get; init; }

    /// <summary>Its associated data.</summary>
    public byte[]? AssociatedData { get; init; }

    /// <summary>The key that is asked to rewrap it: an id or an alias; null where there is nothing to ask.</summary>
    public string? Key { get; init; }

    /// <summary>Where it is on its way.</summary>
    public RewrapOutcome? Outcome { get; set; }

    /// <summary>Whether a text can name a key: an id, or an alias.</summary>
    public static bool IsKey(ReadOnlySpan<char> text) =>
        KeyId.IsValid(text.StartsWith(KeyId.AliasPrefix, StringComparison.Ordinal) ? text[KeyId.AliasPrefix.Length..] : text);

    /// <summary>How much of a call it takes, in bytes before base64.</summary>
    public long Size => (Fields.Ciphertext?.Length ?? 0) + (AssociatedData?.Length ?? 0);
}

/// <summary>What became of a ciphertext: there is a new one, or it stays as it was.</summary>
/// <param name="Kind">Which.</param>
internal sealed record RewrapOutcome(RewrapOutcomeKind Kind)
{
    /// <summary>There was none.</summary>
    public static readonly RewrapOutcome Empty = new(RewrapOutcomeKind.Empty);

    /// <summary>It is of the primary version.</summary>
    public static readonly RewrapOutcome Kept = new(RewrapOutcomeKind.Kept);

    /// <summary>The new ciphertext, in base64.</summary>
    public string? Base64 { get; private init; }

    /// <summary>Why it failed: the service's code, or <c>invalid_line</c>.</summary>
    public string? Code { get; private init; }

    /// <summary>The same in a sentence.</summary>
    public string? Detail { get; private init; }

    /// <summary>There is a new ciphertext.</summary>
    public static RewrapOutcome Rewrapped(string base64) => new(RewrapOutcomeKind.Rewrapped) { Base64 = base64 };

    /// <summary>It could not be rewrapped, and trying again would not help.</summary>
    public static RewrapOutcome Failed(string code, string detail) => new(RewrapOutcomeKind.Failed) { Code = code, Detail = detail };
}

/// <summary>What became of a ciphertext.</summary>
internal enum RewrapOutcomeKind
{
    /// <summary>There was none.</summary>
    Empty,

    /// <summary>It is of the primary version and stays.</summary>
    Kept,

    /// <summary>There is a new one.</summary>
    Rewrapped,

    /// <summary>It could not be rewrapped and stays.</summary>
    Failed,
}
