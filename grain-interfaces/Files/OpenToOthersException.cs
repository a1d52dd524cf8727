namespace OrleansKms.Files;

/// <summary>A file with a secret is accessible to others than those who may read it.</summary>
/// <param name="path">The file.</param>
/// <param name="remedy">The command that closes it.</param>
internal sealed class OpenToOthersException(string path, string remedy)
    : IOException($"The file {path} is open to others. After making sure that nobody read it, run: {remedy}")
{
    /// <summary>The command that closes it.</summary>
    public string Remedy { get; } = remedy;
}
