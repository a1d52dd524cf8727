namespace OrleansKms.Silo.Verbs.Files;

/// <summary>What is wrong with an encrypted file. Told apart for people and exit codes; a changed file is never opened.</summary>
internal enum FileFault
{
    /// <summary>It does not begin as an encrypted file does.</summary>
    NotEncrypted,

    /// <summary>It is of a format or cipher that this program does not know.</summary>
    UnknownFormat,

    /// <summary>Its header is malformed.</summary>
    BadHeader,

    /// <summary>Its header is not the one that was made with the file key.</summary>
    ChangedHeader,

    /// <summary>A chunk was changed, replaced, moved, or cut in the middle.</summary>
    ChangedChunk,

    /// <summary>It ends before its last chunk.</summary>
    CutOff,

    /// <summary>Something follows its last chunk.</summary>
    Extended,

    /// <summary>It has more chunks than a file can have.</summary>
    TooLong,
}

/// <summary>A file cannot be opened, or not to its end, or not be made.</summary>
/// <param name="fault">What is wrong.</param>
/// <param name="message">The same, for people.</param>
internal sealed class FileFormatException(FileFault fault, string message) : Exception(message)
{
    /// <summary>What is wrong.</summary>
    public FileFault Fault { get; } = fault;
}
