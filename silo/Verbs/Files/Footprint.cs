using OrleansKms.Files;

namespace OrleansKms.Silo.Verbs.Files;

/// <summary>
/// Keeps a verb small that may run for long. Asking the service takes most of the code that such a verb runs, and encrypting a file of any
/// length takes little: so the process lets go of the pages of its program while it asks, and <see cref="FileEnds"/> does before the content
/// and after it.
/// </summary>
internal static class Footprint
{
    private const double Growth = 1.25;
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(20);

    /// <summary>Sends a call, as <see cref="VerbRun.Ask"/> does.</summary>
    /// <inheritdoc cref="VerbRun.Ask" path="/exception"/>
    public static async Task<ServiceAnswer> Ask(VerbRun run, ServiceCall call)
    {
        MappedFiles.LetGo();
        var answer = Task.Run(() => run.Ask(call)); // Much of it happens before it waits for the first time.
        for (var interval = _interval; await Task.WhenAny(answer, Task.Delay(interval)) != answer; interval *= Growth) MappedFiles.LetGo();
        MappedFiles.LetGo();
        return await answer;
    }
}
