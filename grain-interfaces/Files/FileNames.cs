namespace OrleansKms.Files;

/// <summary>Which names are names of one file.</summary>
internal static class FileNames
{
    // As many as Linux follows.
    private const int MaxLinks = 40;

    /// <summary>Whether two names lead to the same file, through whatever links; or would, if it were made.</summary>
    /// <param name="one">An absolute path.</param>
    /// <param name="other">Another.</param>
    public static bool AreOfOne(string one, string other) =>
        string.Equals(Resolve(one), Resolve(other), OperatingSystem.IsLinux() ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase)
        || (LibC.IdentityOf(one) is { } identity && identity == LibC.IdentityOf(other));

    private static string Resolve(string path)
    {
        var links = 0;
        return Resolve(path, ref links);
    }

    private static string Resolve(string path, ref int links)
    {
        if (Path.GetDirectoryName(path) is not { } directory) return path;
        directory = Resolve(directory, ref links);
        var here = Path.Combine(directory, Path.GetFileName(path));
        // A loop leads nowhere, and is no file.
        return new FileInfo(here).LinkTarget is { } target && links++ < MaxLinks ? Resolve(Path.GetFullPath(target, directory), ref links) : here;
    }
}
