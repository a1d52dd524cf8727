using Microsoft.AspNetCore.Connections;

namespace OrleansKms.Gateway.Hosting;

/// <summary>Turns a start that is refused into one line on standard error and an exit code.</summary>
internal static class StartGuard
{
    /// <summary>The exit code of a start that was refused.</summary>
    public const int Refused = 2;

    /// <summary>The exit code of a failure that nobody foresaw.</summary>
    public const int Failed = 3;

    /// <summary>Runs the service until it is stopped.</summary>
    /// <param name="serve">Starts it and waits for its end.</param>
    /// <returns>0 for a clean stop, <see cref="Refused"/> when something must be put right first, or <see cref="Failed"/>.</returns>
    public static async Task<int> Run(Func<Task> serve)
    {
        try
        {
            await serve();
            return 0;
        }
        catch (Exception e) when (ReasonOf(e) is { } reason)
        {
            await Console.Error.WriteLineAsync($"orleans-kms: {OneLine(reason)}");
            return Refused;
        }
        catch (Exception e)
        {
            // With its stack trace, and without the runtime's abort, which is how a crash looks.
            await Console.Error.WriteLineAsync($"orleans-kms: unexpected failure: {e}");
            return Failed;
        }
    }

    /// <summary>What an operator must put right, or null for a defect.</summary>
    public static string? ReasonOf(Exception? exception) => exception switch
    {
        null => null,
        StartRefusedException e => e.Message,
        // How appsettings.json is refused: the outer message names the file, the innermost says what is wrong and where.
        InvalidDataException { InnerException: FormatException } e => $"{e.Message} {e.GetBaseException().Message}",
        AddressInUseException => "PORT is in use by another process.",
        AggregateException e => e.InnerExceptions.Select(ReasonOf).FirstOrDefault(reason => reason is not null),
        _ => ReasonOf(exception.InnerException),
    };

    private static string OneLine(string text) => string.Join(' ', text.Split((char[])['\r', '\n'], StringSplitOptions.RemoveEmptyEntries));
}
