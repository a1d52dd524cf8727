namespace OrleansKms.Silo.Verbs;

/// <summary>The question before something that cannot be undone.</summary>
internal static class Confirmation
{
    /// <summary>Lets the user type the id, unless <c>--yes</c> was given.</summary>
    /// <param name="run">The run.</param>
    /// <param name="yes">Whether it was.</param>
    /// <param name="id">What must be typed.</param>
    /// <param name="consequence">A sentence that says what will happen.</param>
    /// <exception cref="VerbException">Something else was typed, or nobody can be asked.</exception>
    public static async Task Ask(VerbRun run, bool yes, string id, string consequence)
    {
        if (yes) return;
        var context = run.Context;
        if (!context.InputIsTerminal || !context.ErrorIsTerminal)
        {
            throw VerbException.Usage(consequence, "Nobody can be asked here: add --yes if that is meant.");
        }

        await context.Error.WriteLineAsync(TerminalText.Clean(consequence));
        await context.Error.WriteAsync(TerminalText.Clean($"Type {id} to go on: "));
        await context.Error.FlushAsync(run.Cancellation);
        if (context.ReadLine()?.Trim() != id) throw new VerbException("not_confirmed", "That is not it. Nothing was done.", ExitCode.Usage);
    }
}
