using System.CommandLine;

namespace OrleansKms.Silo.Verbs;

/// <summary>The commands that work with keys over HTTP, like any other client of the service.</summary>
internal static class WorkVerbs
{
    /// <summary>All of them, in the order of the program's help.</summary>
    public static IReadOnlyList<Command> All() => [];
}
