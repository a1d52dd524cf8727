namespace OrleansKms.Silo.Commands;

/// <summary>Something that the program does once, instead of serving.</summary>
/// <param name="Name">The first word after the program's name.</param>
/// <param name="Usage">What may follow it; empty for nothing.</param>
/// <param name="Summary">What it does, in one line.</param>
/// <param name="Run">Does it; takes what followed the name.</param>
internal sealed record Command(string Name, string Usage, string Summary, Func<IReadOnlyList<string>, Task> Run);

/// <summary>A command was called with what it does not know.</summary>
internal sealed class UsageException(string message) : StartRefusedException(message);
