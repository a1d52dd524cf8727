using System.CommandLine;

namespace OrleansKms.Silo.Commands;

/// <summary>Commands that belong together, under a heading of the program's help.</summary>
/// <param name="Heading">What they are for.</param>
/// <param name="Commands">The commands.</param>
internal sealed record CommandSection(string Heading, IReadOnlyList<Command> Commands);
