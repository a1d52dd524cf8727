using Microsoft.AspNetCore.Connections;

namespace OrleansKms.Gateway.Hosting;

/// <summary>Turns a refused start into one line on standard error and an exit code.</summary>
internal static class StartGuard
{
    /// <summary>The exit code of a start that was refused.</summary>
    public const int Refused = 2;

    /// <summary>The exit code of an unexpected failure.</summary>
    public const int Failed = 3;

    /// <summary>
    /// The exit code of a refused start that must not be retried automatically: EX_CONFIG of sysexits.h, which supervisors can be
    /// told about.
    /// </summary>
    public const int RefusedForGood = 78;

    /// <summary>Runs the service until it is stopped.</summary>
    /// <param name="serve">Starts it and waits until it ends.</param>
    /// <returns>
    /// 0 for a clean stop, <see cref="Refused"/> or <see cref="RefusedForGood"/> when something must be fixed first, or
    /// <see cref="Failed"/>.
    /// </returns>
    public static Task<int> Run(Func<Task> serve) => Run(async () =>
    {
        await serve();
        return 0;
    });

    /// <summary>Runs a command to its end.</summary>
    /// <param name="command">Runs it and returns its exit code.</param>
    /// <returns>That code, or as above when it fails.</returns>
    public static async Task<int> Run(Func<Task<int>> command)
    {
        try
        {
            return await command();
        }
        catch (Exception e) when (RefusalOf(e) is { } refusal)
        {
            await Console.Error.WriteLineAsync($"okms: {OneLine(refusal.Reason)}");
            return refusal.Code;
        }
        catch (Exception e)
        {
            // With its stack trace, and without the runtime's abort, which looks like a crash.
            await Console.Error.WriteLineAsync($"okms: unexpected failure: {e}");
            return Failed;
        }
    }

    /// <summary>What an operator must fix, or null for a defect.</summary>
    public static string? ReasonOf(Exception exception) => RefusalOf(exception)?.Reason;

    private static (string Reason, int Code)? RefusalOf(Exception? exception) => exception switch
    {
        null => null,
        StartRefusedException e => (e.Message, e.IsForGood ? RefusedForGood : Refused),
        // The form of an error in appsettings.json: the outer message names the file, the innermost says what is wrong and where.
        InvalidDataException { InnerException: FormatException } e => ($"{e.Message} {e.GetBaseException().Message}", Refused),
        AddressInUseException => ("PORT is in use by another process.", Refused),
        AggregateException e => e.InnerExceptions.Select(RefusalOf).FirstOrDefault(refusal => refusal is not null),
        _ => RefusalOf(exception.InnerException),
    };

    private static string OneLine(string text) => string.Join(' ', text.Split((char[])['\r', '\n'], StringSplitOptions.RemoveEmptyEntries));
}
